import type { ReactNode } from 'react';

export interface Column<R> {
  /** Name for sorting and remembering; its heading is the page's text `column.<id>`. */
  id: string;
  /** In place of `column.<id>`. */
  header?: string;
  cell: (row: R) => ReactNode;
  /** The service can sort by it. */
  sortable?: boolean;
  /** Pixels. */
  width: number;
  /** Takes its share of what room is left. */
  grow?: boolean;
  align?: 'start' | 'end';
  /** Only shown when somebody chooses it. */
  hidden?: boolean;
  /** Cannot be left out: what a row is called. */
  fixed?: boolean;
  /** Where it stands on a phone, where rows are cards: as title, beside it, not at all; else as a line. */
  card?: 'title' | 'beside' | 'none';
}

export interface RowAction {
  label: string;
  icon: ReactNode;
  onClick: () => void;
  danger?: boolean;
  disabled?: boolean;
}
