import classes from './text.module.css';

/**
 * What somebody typed: a name, a note, a route. It keeps its own direction in every language; where there is too
 * little room it is cut at its end, and is whole when pointed at.
 */
export function Name({ children }: { children: string }) {
  return (
    <span dir="auto" className={classes.name} title={children || undefined}>
      {children}
    </span>
  );
}
