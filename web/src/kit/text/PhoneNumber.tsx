import classes from './text.module.css';

/** A number to dial or of an extension: Latin digits from left to right in every language. */
export function PhoneNumber({ children }: { children: string }) {
  return (
    <bdi dir="ltr" className={classes.number}>
      {children}
    </bdi>
  );
}
