import { Input, Skeleton } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { type FieldProps, useField } from '../form/field';

const MomentPicker = lazy(() => import('./MomentPicker'));

/** A field for a moment, in the configured calendar and zone; its value is milliseconds, or `null` for none. */
export function DateTimeField(props: FieldProps) {
  const { shared, value, set } = useField(props);
  return (
    <Input.Wrapper
      error={shared.error}
      description={shared.description}
      data-path={shared['data-path']}
      tabIndex={-1}
    >
      <Suspense fallback={<Skeleton height={60} />}>
        <MomentPicker
          label={shared.label}
          value={typeof value === 'number' ? value : null}
          onChange={set}
          disabled={shared.disabled}
        />
      </Suspense>
    </Input.Wrapper>
  );
}
