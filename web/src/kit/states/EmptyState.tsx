import { Button, Group, Title } from '@mantine/core';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import classes from './states.module.css';

export interface EmptyStateProps {
  icon: ComponentType<{ size?: number | string; stroke?: number | string }>;
  title: string;
  /** Why it is empty, or what to do about it. */
  text?: ReactNode;
  /** Buttons. */
  children?: ReactNode;
  /** Level of the heading. */
  level?: 1 | 2 | 3;
  /** Offers the way to the first page. */
  home?: boolean;
}

/** There is nothing here, and that is no fault. */
export function EmptyState({ icon: Icon, title, text, children, level = 2, home = false }: EmptyStateProps) {
  const { t } = useTranslation();
  return (
    <div className={classes.state}>
      <div className={classes.icon} aria-hidden="true">
        <Icon size={28} stroke={1.5} />
      </div>
      <Title order={level} size="h2">
        {title}
      </Title>
      {text !== undefined && <div className={classes.text}>{text}</div>}
      {(children !== undefined || home) && (
        <Group gap="xs" mt="xs" justify="center">
          {children}
          {home && (
            <Button variant="default" component={Link} to="/">
              {t('goHome')}
            </Button>
          )}
        </Group>
      )}
    </div>
  );
}
