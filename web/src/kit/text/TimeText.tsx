import { useClock } from '../clock';
import { useFormat } from '../format';
import classes from './text.module.css';

const MINUTE = 60_000;

export interface TimeTextProps {
  /** Milliseconds since the epoch. */
  at: number;
  /** `relative`: "3 minutes ago", the exact time when pointed at. */
  as?: 'dateTime' | 'date' | 'time' | 'relative';
}

/** A moment, in the configured calendar and zone. */
export function TimeText({ at, as = 'dateTime' }: TimeTextProps) {
  const format = useFormat();
  const now = useClock(as === 'relative' ? (Math.abs(Date.now() - at) < 2 * MINUTE ? 1_000 : MINUTE) : null);
  const exact = format.dateTime(at);
  const text = as === 'relative' ? format.relative(at, now) : format[as](at);
  return (
    <time
      dateTime={new Date(at).toISOString()}
      className={classes.time}
      title={text === exact ? undefined : exact}
    >
      {text}
    </time>
  );
}
