import clsx from 'clsx';
import classes from './text.module.css';

/** A code, an address, an id: fixed width, from left to right in every language. */
export function Code({ children, wrap = false }: { children: string; wrap?: boolean }) {
  return (
    <code dir="ltr" className={clsx(classes.code, wrap && classes.wrap)}>
      {children}
    </code>
  );
}
