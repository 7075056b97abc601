/** New rows of a log that no live topic tells: asked for every few seconds. */
import { useEffect } from 'react';
import type { QueryOf, RowOf } from '@/api/client';
import { useRead } from '@/api/queries';
import type { LogPath, LogSource } from './useLog';

const MOST = 100;

/**
 * Adds to a log what is newer than its first row: `useLogNews('/activity/list', log, filters, (row) => row.id)`.
 *
 * @param every milliseconds.
 */
export function useLogNews<P extends LogPath>(
  path: P,
  log: LogSource<RowOf<P>>,
  filters: Partial<QueryOf<P>>,
  idOf: (row: RowOf<P>) => string | number,
  every = 3_000,
): void {
  const ready = !log.loading && !log.outdated && log.error === null;
  const query = { ...filters, count: MOST } as unknown as QueryOf<P>;
  const news = useRead(path, query, { every, enabled: ready });
  const rows = (news.data as { rows: RowOf<P>[] } | undefined)?.rows;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about rows that came, not about what is shown
  useEffect(() => {
    if (!ready || rows === undefined) return;
    const first = log.rowAt(0);
    const joined = first === undefined || rows.length < MOST || rows.some((row) => idOf(row) === idOf(first));
    // So many are new that some between them and the rows on screen are missing.
    if (joined) log.prepend(rows);
    else log.retry();
  }, [rows, ready]);
}
