import { useMediaQuery } from '@mantine/hooks';
import { IconSearchOff } from '@tabler/icons-react';
import {
  type ColumnDef,
  getCoreRowModel,
  type RowSelectionState,
  useReactTable,
  type VisibilityState,
} from '@tanstack/react-table';
import { type ReactNode, useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTexts } from '@/app/page-context';
import { remember, rememberedJson } from '@/app/storage';
import { EmptyState } from '../states/EmptyState';
import { ErrorState } from '../states/ErrorState';
import { LoadingState } from '../states/LoadingState';
import { CardList } from './CardList';
import type { Column, RowAction } from './columns';
import classes from './DataTable.module.css';
import { RowGrid } from './RowGrid';
import { SelectionBar } from './SelectionBar';
import type { RowSource } from './source';
import { Toolbar } from './Toolbar';

export interface DataTableProps<R> {
  /** Name under which the choice of columns is remembered. */
  id: string;
  /** What is listed: "Extensions". Read out. */
  label: string;
  source: RowSource<R>;
  columns: readonly Column<R>[];
  rowId: (row: R) => string;
  /** Shown when there are no rows at all. */
  empty: ReactNode;
  /** Shown when no row fits search and filters; a plain sentence when left out. */
  noneFit?: ReactNode;
  /** Whether filters besides the search are set. */
  filtered?: boolean;
  filters?: ReactNode;
  /** Buttons at the end of the line above the rows. */
  tools?: ReactNode;
  /** Opens a row: by clicking it, or by Enter. */
  onOpen?: (row: R) => void;
  actions?: (row: R) => readonly RowAction[];
  /** Makes rows selectable; buttons for what can be done with all chosen rows. */
  bulk?: (ids: readonly string[], clear: () => void) => ReactNode;
  /** Most rows that can be chosen at once. */
  bulkMost?: number;
}

/** A row as the table library keeps it: its place and, once it is read, its data. */
export interface Slot<R> {
  index: number;
  row: R | undefined;
}

const MOST_AT_ONCE = 1_000;

/** The one table: reads rows as they are scrolled to, shows them as cards on phones. */
export function DataTable<R>(props: DataTableProps<R>) {
  const { id, source, columns, rowId, bulk, bulkMost = MOST_AT_ONCE } = props;
  const { text } = usePageTexts();
  const narrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false;
  const [visibility, setVisibility] = useState<VisibilityState>(() => ({
    ...Object.fromEntries(columns.filter((column) => column.hidden).map((column) => [column.id, false])),
    ...rememberedJson(`columns.${id}`, isVisibility, {}),
  }));
  const [selection, setSelection] = useState<RowSelectionState>({});
  const [range, setRange] = useState<readonly [number, number]>([0, 0]);

  const { rowAt, show, count } = source;
  const slots = useMemo<Slot<R>[]>(() => {
    const [first, last] = range;
    const length = Math.max(0, Math.min(last, count - 1) - first + 1);
    return Array.from({ length }, (_, at) => ({ index: first + at, row: rowAt(first + at) }));
  }, [range, rowAt, count]);

  const definitions = useMemo<ColumnDef<Slot<R>>[]>(
    () =>
      columns.map((column) => ({
        id: column.id,
        header: column.header ?? text(`column.${column.id}`),
        size: column.width,
        enableSorting: column.sortable ?? false,
        enableHiding: !column.fixed,
      })),
    [columns, text],
  );

  const table = useReactTable<Slot<R>>({
    data: slots,
    columns: definitions,
    getCoreRowModel: getCoreRowModel(),
    getRowId: (slot) => (slot.row === undefined ? `#${slot.index}` : rowId(slot.row)),
    manualSorting: true,
    enableRowSelection: bulk !== undefined,
    state: { columnVisibility: visibility, rowSelection: selection },
    onRowSelectionChange: setSelection,
    onColumnVisibilityChange: (change) => {
      const next = typeof change === 'function' ? change(visibility) : change;
      setVisibility(next);
      remember(`columns.${id}`, JSON.stringify(next));
    },
  });

  const onRange = useCallback(
    (first: number, last: number) => {
      setRange((now) => (now[0] === first && now[1] === last ? now : [first, last]));
      show(first, last);
    },
    [show],
  );

  const chosen = Object.keys(selection);
  const clear = useCallback(() => setSelection({}), []);
  const chooseAll = async () => {
    const rows = await source.collect(bulkMost);
    setSelection(Object.fromEntries(rows.map((row) => [rowId(row), true])));
  };
  const shownColumns = columns.filter((column) => table.getColumn(column.id)?.getIsVisible());
  const filtered = props.filtered === true || source.search !== '';

  return (
    <section className={classes.table} aria-label={props.label} data-narrow={narrow || undefined}>
      <Toolbar
        table={table}
        source={source}
        columns={columns}
        filters={props.filters}
        filtered={filtered}
        tools={props.tools}
        narrow={narrow}
      />
      {bulk !== undefined && chosen.length > 0 && (
        <SelectionBar
          count={chosen.length}
          total={source.total}
          most={bulkMost}
          onAll={() => void chooseAll()}
          onClear={clear}
        >
          {bulk(chosen, clear)}
        </SelectionBar>
      )}
      {source.error !== null ? (
        <div className={classes.instead}>
          <ErrorState error={source.error} onRetry={source.retry} />
        </div>
      ) : source.loading ? (
        <div className={classes.instead}>
          <LoadingState delayed />
        </div>
      ) : source.count === 0 ? (
        <div className={classes.instead}>{filtered ? (props.noneFit ?? <NoneFit />) : props.empty}</div>
      ) : narrow ? (
        <CardList {...props} table={table} columns={shownColumns} onRange={onRange} />
      ) : (
        <RowGrid {...props} table={table} columns={shownColumns} onRange={onRange} />
      )}
    </section>
  );
}

function isVisibility(value: unknown): value is VisibilityState {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((shown) => typeof shown === 'boolean')
  );
}

function NoneFit() {
  const { t } = useTranslation();
  return <EmptyState icon={IconSearchOff} title={t('table.noneFit')} text={t('table.noneFitText')} />;
}
