import { Button, CloseButton } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './DataTable.module.css';

export interface SelectionBarProps {
  count: number;
  total: number | null;
  most: number;
  onAll: () => void;
  onClear: () => void;
  children: ReactNode;
}

/** What can be done with all chosen rows. */
export function SelectionBar({ count, total, most, onAll, onClear, children }: SelectionBarProps) {
  const { t } = useTranslation();
  const all = total === null ? count : Math.min(total, most);
  return (
    <section className={classes.selection} aria-label={t('table.chosen', { count })}>
      <CloseButton aria-label={t('table.chooseNone')} onClick={onClear} />
      <strong role="status">{t('table.chosen', { count })}</strong>
      {count < all && (
        <Button variant="subtle" size="compact-sm" onClick={onAll}>
          {total !== null && total > most
            ? t('table.chooseFirst', { count: most })
            : t('table.chooseAll', { count: all })}
        </Button>
      )}
      <div className={classes.end}>{children}</div>
    </section>
  );
}
