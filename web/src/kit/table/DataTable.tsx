import { useMediaQuery } from '@mantine/hooks';
import { IconSearchOff } from '@tabler/icons-react';
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

/** A column with its heading. */
export interface ShownColumn<R> extends Column<R> {
  header: string;
}

/** Which rows are chosen, by id. */
export type Selection = Record<string, boolean>;

const MOST_AT_ONCE = 1_000;

/** The one table: reads rows as they are scrolled to, shows them as cards on phones. */
export function DataTable<R>(props: DataTableProps<R>) {
  const { id, source, columns, rowId, bulk, bulkMost = MOST_AT_ONCE } = props;
  const { text } = usePageTexts();
  const narrow = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false }) ?? false;
  const [visibility, setVisibility] = useState<Record<string, boolean>>(() =>
    rememberedJson(`columns.${id}`, isVisibility, {}),
  );
  const [selection, setSelection] = useState<Selection>({});

  const titled = useMemo<readonly ShownColumn<R>[]>(
    () => columns.map((column) => ({ ...column, header: column.header ?? text(`column.${column.id}`) })),
    [columns, text],
  );
  const shown = useMemo(
    () => titled.filter((column) => column.fixed || (visibility[column.id] ?? !column.hidden)),
    [titled, visibility],
  );
  const show = (column: string, visible: boolean) => {
    const next = { ...visibility, [column]: visible };
    setVisibility(next);
    remember(`columns.${id}`, JSON.stringify(next));
  };

  const chosen = Object.keys(selection);
  const clear = useCallback(() => setSelection({}), []);
  const chooseAll = async () => {
    const rows = await source.collect(bulkMost);
    setSelection(Object.fromEntries(rows.map((row) => [rowId(row), true])));
  };
  const filtered = props.filtered === true || source.search !== '';
  const View = narrow ? CardList : RowGrid;

  return (
    <section className={classes.table} aria-label={props.label} data-narrow={narrow || undefined}>
      <Toolbar
        source={source}
        columns={titled}
        shown={shown}
        onShow={show}
        filters={props.filters}
        filtered={props.filtered === true}
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
      ) : (
        <View
          label={props.label}
          source={source}
          columns={shown}
          rowId={rowId}
          onOpen={props.onOpen}
          actions={props.actions}
          selection={bulk === undefined ? null : selection}
          onSelection={setSelection}
        />
      )}
    </section>
  );
}

function isVisibility(value: unknown): value is Record<string, boolean> {
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
