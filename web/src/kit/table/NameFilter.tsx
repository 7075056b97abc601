import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import classes from '../form/form.module.css';

export interface NameFilterProps {
  /** What is filtered by; seen while nothing is chosen. */
  label: string;
  /** All that can be chosen; whatever is set counts, too. */
  names: readonly string[];
  /** Empty: all. */
  value: string;
  onChange: (value: string) => void;
  width: number;
  /** Names are codes, written from left to right. */
  ltr?: boolean;
}

/** A filter of a list above its rows: one of many names, which can be found by typing. */
export function NameFilter({ label, names, value, onChange, width, ltr = false }: NameFilterProps) {
  const { t } = useTranslation();
  return (
    <Select
      aria-label={label}
      placeholder={label}
      w={{ base: '100%', sm: width }}
      classNames={{ input: ltr && value !== '' ? classes.ltr : undefined }}
      data={value === '' || names.includes(value) ? [...names] : [value, ...names]}
      searchable
      clearable
      nothingFoundMessage={t('field.nothingFound')}
      clearButtonProps={{ 'aria-label': t('field.clear') }}
      comboboxProps={{ width: 'max-content', position: 'bottom-start' }}
      value={value === '' ? null : value}
      onChange={(next) => onChange(next ?? '')}
    />
  );
}
