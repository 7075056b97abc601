/** Rows of a log, newest first, whose service answers `{rows, more}` before some row. */
import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useRef, useState } from 'react';
import { type AnswerOf, type QueryOf, type ReadPath, type RowOf, read } from '@/api/client';
import { asApiError } from '@/api/errors';
import { useFilters } from '../filters';
import type { RowSource } from './source';

/** Services that answer part of a log. */
export type LogPath = {
  [P in ReadPath]: AnswerOf<P> extends { rows: unknown[]; more: boolean } ? P : never;
}[ReadPath];

const PART = 100;
/** So many rows before the end the next part is fetched. */
const AHEAD = 40;
/** Rows that are kept while new ones come in at the top, or wait; older ones are fetched when they are wanted. */
const MOST = 1_000;

export interface LogOptions<P extends LogPath> {
  filters?: Partial<QueryOf<P>>;
  /** What asks for the rows before this one: `(row) => ({before_id: row.id})`. No two rows have the same. */
  before: (row: RowOf<P>) => Partial<QueryOf<P>>;
  searchable?: boolean;
}

interface Part<R> {
  rows: R[];
  more: boolean;
}

/** Rows that wait: the latest, and how many there are in all. */
interface Waiting<R> {
  of: string;
  rows: readonly R[];
  count: number;
}

export interface LogSource<R> extends RowSource<R> {
  /**
   * Adds new rows, newest first, as the live stream tells them. Read further down, they wait. Rows that are there
   * already may be among them.
   */
  prepend: (rows: readonly R[]) => void;
}

/** The row that fits, if it was read already. */
export function loadedRow<R>(log: RowSource<R>, fits: (row: R) => boolean): R | undefined {
  for (let index = 0; index < log.count; index += 1) {
    const row = log.rowAt(index);
    if (row !== undefined && fits(row)) return row;
  }
  return undefined;
}

/** Makes the source of a table: `useLog('/api_log/list', {filters, before: (row) => ({before_id: row.id})})`. */
export function useLog<P extends LogPath>(
  path: P,
  { filters, before, searchable = false }: LogOptions<P>,
): LogSource<RowOf<P>> {
  type R = RowOf<P>;
  const queries = useQueryClient();
  const [{ search }, setFilters] = useFilters({ search: '' });
  const filtersText = JSON.stringify(searchable ? { ...filters, search } : (filters ?? {}));
  const key = useMemo(() => [path, 'log', filtersText], [path, filtersText]);
  const beforeRow = useRef(before);
  beforeRow.current = before;
  const atTop = useRef(true);
  const [waiting, setWaiting] = useState<Waiting<R>>({ of: '', rows: [], count: 0 });

  const log = useInfiniteQuery({
    queryKey: key,
    initialPageParam: null as R | null,
    queryFn: ({ pageParam, signal }) => {
      const place = pageParam === null ? {} : beforeRow.current(pageParam as R);
      const query = { ...JSON.parse(filtersText), ...place, count: PART } as QueryOf<P>;
      return read(path, query, signal) as unknown as Promise<Part<R>>;
    },
    getNextPageParam: (part: Part<R>) => (part.more ? (part.rows.at(-1) ?? null) : null),
    placeholderData: (former) => former,
  });
  const rows = useMemo(() => log.data?.pages.flatMap((part) => part.rows) ?? [], [log.data]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = log;

  const unknownTo = useCallback((known: readonly R[], added: readonly R[]) => {
    const placeOf = (row: R) => JSON.stringify(beforeRow.current(row));
    const places = new Set(known.slice(0, MOST).map(placeOf));
    return added.filter((row) => !places.has(placeOf(row)));
  }, []);
  const shownNow = useCallback(
    () => queries.getQueryData<InfiniteData<Part<R>>>(key)?.pages.flatMap((part) => part.rows) ?? [],
    [queries, key],
  );
  const add = useCallback(
    (added: readonly R[]) =>
      queries.setQueryData<InfiniteData<Part<R>>>(key, (data) => {
        const [first, ...others] = data?.pages ?? [];
        if (data === undefined || first === undefined) return data;
        const all = [...added, ...data.pages.flatMap((part) => part.rows)];
        if (all.length > MOST) {
          return { pages: [{ ...first, rows: all.slice(0, MOST), more: true }], pageParams: [null] };
        }
        return { ...data, pages: [{ ...first, rows: [...added, ...first.rows] }, ...others] };
      }),
    [queries, key],
  );
  const prepend = useCallback(
    (added: readonly R[]) => {
      const fresh = unknownTo(shownNow(), added);
      if (fresh.length === 0) return;
      if (atTop.current) add(fresh);
      else {
        setWaiting((now) => {
          const before = now.of === filtersText ? now : { rows: [], count: 0 };
          const more = unknownTo(before.rows, fresh);
          return {
            of: filtersText,
            rows: [...more, ...before.rows].slice(0, MOST),
            count: before.count + more.length,
          };
        });
      }
    },
    [add, unknownTo, shownNow, filtersText],
  );
  const kept = waiting.of === filtersText ? waiting.count : 0;
  const showWaiting = useCallback(() => {
    if (waiting.of === filtersText) {
      // More came than was kept: between what is shown and what waits, rows are missing.
      if (waiting.count > waiting.rows.length) void queries.resetQueries({ queryKey: key });
      else add(unknownTo(shownNow(), waiting.rows));
    }
    setWaiting({ of: '', rows: [], count: 0 });
  }, [waiting, add, unknownTo, shownNow, queries, key, filtersText]);

  const show = useCallback(
    (_first: number, last: number) => {
      if (hasNextPage && !isFetchingNextPage && last >= rows.length - AHEAD) void fetchNextPage();
    },
    [hasNextPage, isFetchingNextPage, fetchNextPage, rows.length],
  );

  return {
    // One more place than there are rows: that it is empty shows that more is on its way.
    count: rows.length + (hasNextPage ? 1 : 0),
    total: hasNextPage || log.isPending ? null : rows.length,
    rowAt: (index) => rows[index],
    show,
    loading: log.isPending,
    outdated: log.isPlaceholderData,
    error: log.isError && rows.length === 0 ? asApiError(log.error) : null,
    retry: () => void log.refetch(),
    collect: async (atMost) => rows.slice(0, atMost),
    search,
    setSearch: searchable ? (text) => setFilters({ search: text }) : null,
    sorting: null,
    setSorting: null,
    waiting: kept,
    showWaiting,
    setAtTop: (now) => {
      atTop.current = now;
      if (now && kept > 0) showWaiting();
    },
    prepend,
  };
}
