import { Paper, type PaperProps } from '@mantine/core';
import clsx from 'clsx';
import type { ReactNode } from 'react';
import classes from './Surface.module.css';

/** A bordered area on a page, with the usual distances inside. */
export function Surface({ children, className, ...props }: PaperProps & { children: ReactNode }) {
  return (
    <Paper withBorder radius="md" {...props} className={clsx(classes.surface, className)}>
      {children}
    </Paper>
  );
}
