import { Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { usePage } from '@/app/page-context';
import classes from './PageHeader.module.css';

export interface PageHeaderProps {
  /** Buttons, the most important one last. */
  children?: ReactNode;
  /** In place of the page's name. */
  title?: string;
  /** In place of the page's explanation. */
  explained?: ReactNode;
}

/** Top of every page: its name, one line on what it is for, and what can be done. Also names the browser's tab. */
export function PageHeader({ children, title, explained }: PageHeaderProps) {
  const { t } = useTranslation();
  const { id } = usePage();
  const name = title ?? t(`page.${id}.title`);
  return (
    <header className={classes.header}>
      <title>{`${name} · ${t('product')}`}</title>
      <div className={classes.words}>
        <Title order={1}>{name}</Title>
        <Text c="dimmed" size="sm" component="div">
          {explained ?? t(`page.${id}.explained`)}
        </Text>
      </div>
      {children !== undefined && (
        <Group gap="xs" className={classes.actions}>
          {children}
        </Group>
      )}
    </header>
  );
}
