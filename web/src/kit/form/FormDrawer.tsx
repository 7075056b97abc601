import { Button, Group } from '@mantine/core';
import { type ReactNode, useId } from 'react';
import { useTranslation } from 'react-i18next';
import { SideDrawer } from '../dialogs/SideDrawer';
import { ErrorState } from '../states/ErrorState';
import { LoadingState } from '../states/LoadingState';
import { FormBody } from './FormBody';
import type { FormValues, KitForm } from './form';
import { useUnsavedGuard } from './guard';

export interface FormDrawerProps<V extends FormValues> {
  title: ReactNode;
  form: KitForm<V>;
  onSubmit: (values: V) => void;
  onClose: () => void;
  children: ReactNode;
  /** While it is being saved: `save.isPending`. */
  busy?: boolean;
  /** What the form's values are read by: it shows loading and errors in place of the fields. */
  query?: { isPending: boolean; isError: boolean; error: unknown; refetch: () => unknown };
  /** In place of "Save". */
  submit?: string;
  /** Cannot be changed: there is nothing to save. */
  readOnly?: boolean;
  /** More buttons, at the start of the last line. */
  actions?: ReactNode;
  size?: number | string;
}

/** Adding or editing something, at the side of its list. On phones it takes the whole screen. */
export function FormDrawer<V extends FormValues>({
  title,
  form,
  onSubmit,
  onClose,
  children,
  busy = false,
  query,
  submit,
  readOnly = false,
  actions,
  size,
}: FormDrawerProps<V>) {
  const { t } = useTranslation();
  const id = useId();
  const guard = useUnsavedGuard(form);
  const close = () => guard.leave(onClose);
  const ready = query === undefined || (!query.isPending && !query.isError);
  return (
    <>
      <SideDrawer
        title={title}
        onClose={close}
        size={size}
        footer={
          <Group justify="space-between" gap="xs" wrap="nowrap" w="100%">
            <Group gap="xs">{ready && actions}</Group>
            <Group gap="xs" wrap="nowrap">
              <Button variant="default" onClick={close}>
                {t(readOnly ? 'close' : 'cancel')}
              </Button>
              {!readOnly && (
                <Button type="submit" form={id} loading={busy} disabled={!ready}>
                  {submit ?? t('save')}
                </Button>
              )}
            </Group>
          </Group>
        }
      >
        {query?.isError ? (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ) : ready ? (
          <FormBody id={id} form={form} onSubmit={onSubmit}>
            <fieldset disabled={readOnly} style={{ display: 'contents' }}>
              {children}
            </fieldset>
          </FormBody>
        ) : (
          <LoadingState delayed />
        )}
      </SideDrawer>
      {guard.dialog}
    </>
  );
}
