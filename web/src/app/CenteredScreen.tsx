import type { ReactNode } from 'react';
import classes from './CenteredScreen.module.css';

/** One thing in the middle of an otherwise empty screen. */
export function CenteredScreen({ children }: { children: ReactNode }) {
  return <main className={classes.screen}>{children}</main>;
}
