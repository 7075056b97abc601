import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './filters.module.css';

/** So long nobody types before the list is read anew. */
const SETTLE = 300;

/** Filters by an address, a network, or how addresses begin. */
export function AddressFilter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation('api-logs');
  const { t: shared } = useTranslation();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const tell = useDebouncedCallback((text: string) => onChange(text.trim()), SETTLE);
  return (
    <TextInput
      aria-label={t('filter.address')}
      placeholder={t('filter.address')}
      title={t('filter.addressHint')}
      w={{ base: '100%', sm: 130 }}
      classNames={{ input: typed === '' ? undefined : classes.ltr }}
      autoComplete="off"
      spellCheck={false}
      maxLength={64}
      rightSection={
        typed === '' ? null : (
          <CloseButton
            size="sm"
            aria-label={shared('field.clear')}
            onClick={() => {
              setTyped('');
              onChange('');
            }}
          />
        )
      }
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        tell(event.currentTarget.value);
      }}
    />
  );
}
