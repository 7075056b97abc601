import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

/** So long nobody types before the list is read anew. */
const SETTLE = 300;

export interface AccountFilterProps {
  value: string;
  onChange: (username: string) => void;
}

/** Filters by a user name, whole: also by one whose account is gone. */
export function AccountFilter({ value, onChange }: AccountFilterProps) {
  const { t } = useTranslation('activity');
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const tell = useDebouncedCallback(onChange, SETTLE);
  return (
    <TextInput
      aria-label={t('filterAccount')}
      placeholder={t('filterAccount')}
      w={{ base: '100%', sm: 150 }}
      dir="auto"
      autoComplete="off"
      maxLength={64}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        tell(event.currentTarget.value.trim());
      }}
    />
  );
}
