import classes from './home.module.css';

/** How much of something is used or done; what it says stands beside it in words. */
export function Bar({ share, tone = 'ok' }: { share: number; tone?: 'ok' | 'warn' | 'bad' }) {
  return (
    <div className={classes.bar} data-tone={tone} aria-hidden="true">
      <div style={{ width: `${Math.min(100, Math.max(0, share * 100))}%` }} />
    </div>
  );
}
