/** Rows of a list whose service answers windows `{rows, total, start}`. */
import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type AnswerOf, type QueryOf, type ReadPath, type RowOf, read } from '@/api/client';
import { asApiError } from '@/api/errors';
import { keyOf } from '@/api/queries';
import { remember, rememberedJson } from '@/app/storage';
import { useFilters } from '../filters';
import type { RowSource, Sorting } from './source';

/** Services that answer windows. */
export type ListPath = {
  [P in ReadPath]: AnswerOf<P> extends { rows: unknown[]; total: number } ? P : never;
}[ReadPath];

const WINDOW = 100;
/** While somebody scrolls fast, windows that rush by are not fetched. */
const SETTLE = 60;
const LARGEST = 500;

export interface ListOptions<P extends ListPath> {
  /** More parameters of the service. */
  filters?: Omit<QueryOf<P>, 'search' | 'start' | 'count' | 'sort' | 'descending'>;
  /** Order until somebody chooses another. */
  sorting: Sorting;
  searchable?: boolean;
}

interface Answer<R> {
  rows: R[];
  total: number;
  start: number;
}

/** Makes the source of a table: `useList('/pbx/users/list', {filters, sorting: {column: 'number', descending: false}})`. */
export function useList<P extends ListPath>(
  path: P,
  { filters, sorting: firstSorting, searchable = true }: ListOptions<P>,
): RowSource<RowOf<P>> {
  type R = RowOf<P>;
  const queries = useQueryClient();
  const [{ search }, setFilters] = useFilters({ search: '' });
  const [sorting, setSortingState] = useState(() => rememberedJson(`sort.${path}`, isSorting, firstSorting));
  const [windows, setWindows] = useState<readonly number[]>([0]);
  const filtersText = JSON.stringify(filters ?? {});

  const queryOf = useCallback(
    (start: number, count: number) =>
      ({
        ...JSON.parse(filtersText),
        search,
        sort: sorting.column,
        descending: sorting.descending,
        start,
        count,
      }) as QueryOf<P>,
    [filtersText, search, sorting],
  );

  const answers = useQueries({
    queries: windows.map((window) => {
      const query = queryOf(window * WINDOW, WINDOW);
      return {
        queryKey: keyOf(path, query),
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          read(path, query, signal) as unknown as Promise<Answer<R>>,
      };
    }),
  });

  const fresh = answers.filter((answer) => answer.data !== undefined);
  const newest = fresh.reduce<(typeof fresh)[number] | undefined>(
    (best, answer) => (best === undefined || answer.dataUpdatedAt > best.dataUpdatedAt ? answer : best),
    undefined,
  );
  // What was shown last stays on screen until the first rows of another order or filter are there.
  const shown = useRef<{ total: number; rows: Map<number, R> }>({ total: 0, rows: new Map() });
  const known = useRef(false);
  if (newest?.data !== undefined) {
    const rows = new Map<number, R>();
    for (const { data } of fresh) {
      data?.rows.forEach((row, place) => {
        rows.set(data.start + place, row);
      });
    }
    shown.current = { total: newest.data.total, rows };
    known.current = true;
  }
  const { total, rows } = shown.current;
  const failed = answers.find((answer) => answer.isError);
  const nothing = fresh.length === 0;

  // Other rows are other places: whoever filters looks at the top again.
  const identity = `${filtersText} ${search} ${sorting.column} ${sorting.descending}`;
  const before = useRef(identity);
  if (before.current !== identity) {
    before.current = identity;
    if (windows.length !== 1 || windows[0] !== 0) setWindows([0]);
  }

  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const show = useCallback((first: number, last: number) => {
    const from = Math.max(0, Math.floor(first / WINDOW));
    const to = Math.max(from, Math.floor(last / WINDOW));
    const wanted = Array.from({ length: to - from + 1 }, (_, at) => from + at);
    clearTimeout(timer.current);
    timer.current = setTimeout(
      () => setWindows((now) => (now.join() === wanted.join() ? now : wanted)),
      SETTLE,
    );
  }, []);

  return useMemo<RowSource<R>>(
    () => ({
      count: total,
      total: known.current ? total : null,
      rowAt: (index) => rows.get(index),
      show,
      loading: nothing && failed === undefined && !known.current,
      outdated: nothing && known.current && failed === undefined,
      error: nothing && failed !== undefined ? asApiError(failed.error) : null,
      retry: () => void queries.invalidateQueries({ queryKey: [path] }),
      collect: async (atMost) => {
        const all: R[] = [];
        while (all.length < atMost) {
          const answer = (await read(
            path,
            queryOf(all.length, Math.min(LARGEST, atMost - all.length)),
          )) as unknown as Answer<R>;
          all.push(...answer.rows);
          if (answer.rows.length === 0 || all.length >= answer.total) break;
        }
        return all;
      },
      search,
      setSearch: searchable ? (text) => setFilters({ search: text }) : null,
      sorting,
      setSorting: (next) => {
        remember(`sort.${path}`, JSON.stringify(next));
        setSortingState(next);
      },
      waiting: 0,
      showWaiting: () => {},
      setAtTop: () => {},
    }),
    [total, rows, show, nothing, failed, queries, path, queryOf, search, searchable, setFilters, sorting],
  );
}

/**
 * Changes rows that were read, without reading them again: for what the live stream tells.
 * `change` answers the changed row, or the same one.
 */
export function usePatchRows<P extends ListPath>(path: P): (change: (row: RowOf<P>) => RowOf<P>) => void {
  const queries = useQueryClient();
  return useCallback(
    (change) => {
      queries.setQueriesData<Answer<RowOf<P>>>({ queryKey: [path] }, (answer) => {
        if (answer === undefined) return undefined;
        let changed = false;
        const rows = answer.rows.map((row) => {
          const next = change(row);
          changed ||= next !== row;
          return next;
        });
        return changed ? { ...answer, rows } : answer;
      });
    },
    [queries, path],
  );
}

function isSorting(value: unknown): value is Sorting {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Sorting).column === 'string' &&
    typeof (value as Sorting).descending === 'boolean'
  );
}
