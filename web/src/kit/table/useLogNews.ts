/** New rows of a log that no live topic tells: asked for every few seconds. */
import { useEffect, useRef } from 'react';
import type { QueryOf, RowOf } from '@/api/client';
import { useRead } from '@/api/queries';
import type { LogPath, LogSource } from './useLog';

const MOST = 100;

/**
 * Adds to a log what is newer than its first row: `useLogNews('/activity/list', log, filters, (row) => row.id)`.
 *
 * @param idOf grows with every row; text of the same length, or a number.
 * @param every milliseconds.
 */
export function useLogNews<P extends LogPath>(
  path: P,
  log: LogSource<RowOf<P>>,
  filters: Partial<QueryOf<P>>,
  idOf: (row: RowOf<P>) => string | number,
  every = 3_000,
): void {
  type R = RowOf<P>;
  const of = JSON.stringify(filters);
  const first = log.rowAt(0);
  const ready = !log.loading && !log.outdated && log.error === null;
  const query = { ...filters, count: MOST } as unknown as QueryOf<P>;
  const news = useRead(path, query, { every, enabled: ready });
  const told = useRef<{ of: string; id: string | number | undefined }>({ of: '', id: undefined });
  const rows = (news.data as { rows: R[] } | undefined)?.rows;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about rows that came, not about what is shown
  useEffect(() => {
    if (!ready || rows === undefined) return;
    const known = told.current.of === of ? told.current.id : undefined;
    const shown = first === undefined ? undefined : idOf(first);
    const newest = known !== undefined && (shown === undefined || known > shown) ? known : shown;
    const fresh = newest === undefined ? rows : rows.filter((row) => idOf(row) > newest);
    const latest = fresh[0];
    told.current = { of, id: latest === undefined ? newest : idOf(latest) };
    log.prepend(fresh);
  }, [rows, ready]);
}
