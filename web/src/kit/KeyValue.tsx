import type { ReactNode } from 'react';
import classes from './KeyValue.module.css';

export interface KeyValueProps {
  items: readonly (readonly [name: string, value: ReactNode])[];
}

/** Facts: names and values below each other. A value that is not there is shown as a dash. */
export function KeyValue({ items }: KeyValueProps) {
  return (
    <dl className={classes.list}>
      {items.map(([name, value]) => (
        <div key={name} className={classes.item}>
          <dt>{name}</dt>
          <dd>{isNothing(value) ? <Nothing /> : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** In place of a value that is not there. */
export function Nothing() {
  return (
    <span className={classes.nothing} aria-hidden="true">
      –
    </span>
  );
}

function isNothing(value: ReactNode): boolean {
  return value === null || value === undefined || value === '' || value === false;
}
