/** Where the rows of a table come from. A table asks for rows by their place; what is not there yet is fetched. */
import type { ApiError } from '@/api/errors';

export interface Sorting {
  /** Id of a column. */
  column: string;
  descending: boolean;
}

export interface RowSource<R> {
  /** Rows that can be scrolled to. */
  count: number;
  /** How many there are in all, as far as that is known. */
  total: number | null;
  rowAt: (index: number) => R | undefined;
  /** Says which rows are on screen. */
  show: (first: number, last: number) => void;
  /** Nothing is there yet. */
  loading: boolean;
  /** What is shown belongs to the filters or the order before. */
  outdated: boolean;
  error: ApiError | null;
  retry: () => void;
  /** Reads rows from the first on, for choosing all of them. */
  collect: (atMost: number) => Promise<R[]>;
  search: string;
  /** `null`: the list cannot be searched. */
  setSearch: ((text: string) => void) | null;
  sorting: Sorting | null;
  setSorting: ((sorting: Sorting) => void) | null;
  /** New rows that wait until somebody looks at the top. */
  waiting: number;
  showWaiting: () => void;
  /** Told by the table: whether its top is on screen. */
  setAtTop: (atTop: boolean) => void;
}
