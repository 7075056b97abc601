import { useClock } from '../clock';
import { useFormat } from '../format';
import classes from './text.module.css';

/** A length of time: of so many milliseconds, or since a moment and still growing. */
export function Duration(props: { ms: number } | { since: number }) {
  const format = useFormat();
  const now = useClock('since' in props ? 1_000 : null);
  const ms = 'since' in props ? now - props.since : props.ms;
  return <bdi className={classes.time}>{format.duration(ms)}</bdi>;
}
