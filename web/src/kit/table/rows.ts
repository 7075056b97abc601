/** The rows on screen, as the table library keeps them. */
import {
  type ColumnDef,
  getCoreRowModel,
  type Row,
  type Updater,
  useReactTable,
} from '@tanstack/react-table';
import { useEffect, useMemo } from 'react';
import type { RowAction } from './columns';
import type { Selection, ShownColumn } from './DataTable';
import type { RowSource } from './source';

/** What a way of showing rows is given. */
export interface RowViewProps<R> {
  label: string;
  source: RowSource<R>;
  columns: readonly ShownColumn<R>[];
  rowId: (row: R) => string;
  onOpen: ((row: R) => void) | undefined;
  actions: ((row: R) => readonly RowAction[]) | undefined;
  /** `null`: rows cannot be chosen. */
  selection: Selection | null;
  onSelection: (change: Updater<Selection>) => void;
}

/** A place in the list and, once it is read, its row. */
export interface Slot<R> {
  index: number;
  data: R | undefined;
}

/** Rows from one place to another, by place. Says to the source which they are. */
export function useRows<R>(
  { source, columns, rowId, selection, onSelection }: RowViewProps<R>,
  first: number,
  last: number,
): Map<number, Row<Slot<R>>> {
  const { rowAt, show, count } = source;
  useEffect(() => show(first, last), [first, last, show]);
  const slots = useMemo<Slot<R>[]>(() => {
    const length = Math.max(0, Math.min(last, count - 1) - first + 1);
    return Array.from({ length }, (_, at) => ({ index: first + at, data: rowAt(first + at) }));
  }, [first, last, rowAt, count]);
  const definitions = useMemo<ColumnDef<Slot<R>>[]>(
    () => columns.map(({ id, header }) => ({ id, header })),
    [columns],
  );
  const table = useReactTable<Slot<R>>({
    data: slots,
    columns: definitions,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (slot) => (slot.data === undefined ? `#${slot.index}` : rowId(slot.data)),
    enableRowSelection: selection !== null,
    state: { rowSelection: selection ?? {} },
    onRowSelectionChange: onSelection,
  });
  const { rows } = table.getRowModel();
  return useMemo(() => new Map(rows.map((row) => [row.original.index, row])), [rows]);
}
