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

export interface LogOptions<P extends LogPath> {
  filters?: Partial<QueryOf<P>>;
  /** What asks for the rows before this one: `(row) => ({before_id: row.id})`. */
  before: (row: RowOf<P>) => Partial<QueryOf<P>>;
  searchable?: boolean;
}

interface Part<R> {
  rows: R[];
  more: boolean;
}

export interface LogSource<R> extends RowSource<R> {
  /** Adds new rows, newest first, as the live stream tells them. Read further down, they wait. */
  prepend: (rows: readonly R[]) => void;
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
  const [waiting, setWaiting] = useState<{ of: string; rows: readonly R[] }>({ of: '', rows: [] });

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

  const add = useCallback(
    (added: readonly R[]) =>
      queries.setQueryData<InfiniteData<Part<R>>>(key, (data) => {
        const [first, ...others] = data?.pages ?? [];
        if (data === undefined || first === undefined) return data;
        return { ...data, pages: [{ ...first, rows: [...added, ...first.rows] }, ...others] };
      }),
    [queries, key],
  );
  const prepend = useCallback(
    (added: readonly R[]) => {
      if (added.length === 0) return;
      if (atTop.current) add(added);
      else {
        setWaiting((now) => ({
          of: filtersText,
          rows: now.of === filtersText ? [...added, ...now.rows] : added,
        }));
      }
    },
    [add, filtersText],
  );
  const kept = waiting.of === filtersText ? waiting.rows : [];
  const showWaiting = useCallback(() => {
    setWaiting((now) => {
      if (now.of === filtersText && now.rows.length > 0) add(now.rows);
      return { of: '', rows: [] };
    });
  }, [add, filtersText]);

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
    waiting: kept.length,
    showWaiting,
    setAtTop: (now) => {
      atTop.current = now;
      if (now && kept.length > 0) showWaiting();
    },
    prepend,
  };
}
