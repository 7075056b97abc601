/** Rows that are all there: of a short list, or of what the live stream tells. */
import { useMemo } from 'react';
import type { ApiError } from '@/api/errors';
import { useFilters } from '../filters';
import type { RowSource } from './source';

export interface KnownRows<R> {
  /** `undefined`: they are not known yet. */
  rows: readonly R[] | undefined;
  error?: ApiError | null;
  retry?: () => void;
}

const nothing = () => {};

/**
 * Makes the source of a table. With `matches` the list can be searched; give a function that stays the same.
 * It is asked with the words in lower case.
 */
export function useKnownRows<R>(
  { rows, error = null, retry = nothing }: KnownRows<R>,
  matches?: (row: R, search: string) => boolean,
): RowSource<R> {
  const [{ search }, setFilters] = useFilters({ search: '' });
  return useMemo(() => {
    const wanted = search.toLowerCase();
    const found =
      matches === undefined || wanted === '' ? (rows ?? []) : rows?.filter((row) => matches(row, wanted));
    const shown = found ?? [];
    return {
      count: shown.length,
      total: rows === undefined ? null : shown.length,
      rowAt: (index: number) => shown[index],
      show: nothing,
      loading: rows === undefined && error === null,
      outdated: false,
      error: rows === undefined ? error : null,
      retry,
      collect: async (atMost: number) => shown.slice(0, atMost),
      search: matches === undefined ? '' : search,
      setSearch: matches === undefined ? null : (text: string) => setFilters({ search: text }),
      sorting: null,
      setSorting: null,
      waiting: 0,
      showWaiting: nothing,
      setAtTop: nothing,
    };
  }, [rows, error, retry, matches, search, setFilters]);
}
