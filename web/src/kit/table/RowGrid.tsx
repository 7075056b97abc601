import { Skeleton, UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import type { Row } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import clsx from 'clsx';
import { type KeyboardEvent, type MouseEvent, memo, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RowAction } from './columns';
import type { ShownColumn } from './DataTable';
import classes from './DataTable.module.css';
import { RowMenu } from './RowMenu';
import { type RowViewProps, type Slot, useRows } from './rows';

const ROW_HEIGHT = 44;
const OVERSCAN = 12;
const CHECK_WIDTH = 44;
const MENU_WIDTH = 52;

/** Rows as lines of a grid that scrolls by itself, under headings that stay. */
export function RowGrid<R>(props: RowViewProps<R>) {
  const { label, source, columns, rowId, onOpen, actions, selection, onSelection } = props;
  const { t } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const [active, setActive] = useState(0);
  const focusWanted = useRef(false);

  const virtualizer = useVirtualizer({
    count: source.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
  });
  const items = virtualizer.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  // Some row can be reached by the keyboard, also when the one it was at is out of sight.
  const reached = active >= first && active <= last ? active : (virtualizer.range?.startIndex ?? first);
  const rows = useRows(props, first, last);

  // Other rows: from the top again.
  const identity = `${source.search} ${source.sorting?.column} ${source.sorting?.descending}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about the change, not the value
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
    setActive(0);
  }, [identity]);

  useEffect(() => {
    if (!focusWanted.current) return;
    const row = body.current?.querySelector<HTMLElement>(`[data-index="${active}"]`);
    if (row) {
      focusWanted.current = false;
      row.focus({ preventScroll: true });
    }
  });

  function go(index: number) {
    const next = Math.max(0, Math.min(source.count - 1, index));
    focusWanted.current = true;
    setActive(next);
    virtualizer.scrollToIndex(next, { align: 'auto' });
  }

  function onKeyDown(event: KeyboardEvent<HTMLTableSectionElement>) {
    const row = (event.target as HTMLElement).closest<HTMLElement>('[data-index]');
    if (row === null) return;
    const index = Number(row.dataset.index);
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2);
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: source.count - 1,
    };
    const to = moves[event.key];
    const onRow = event.target === row;
    const data = source.rowAt(index);
    if (to !== undefined && onRow) {
      event.preventDefault();
      go(to);
    } else if (event.key === 'Enter' && onRow && data !== undefined && onOpen !== undefined) {
      event.preventDefault();
      onOpen(data);
    } else if (event.key === ' ' && onRow && data !== undefined && selection !== null) {
      event.preventDefault();
      onSelection((chosen) => toggled(chosen, rowId(data)));
    }
  }

  const before = items[0]?.start ?? 0;
  const after = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0);
  const selectable = selection !== null;
  const width =
    columns.reduce((sum, column) => sum + column.width, 0) +
    (selectable ? CHECK_WIDTH : 0) +
    (actions ? MENU_WIDTH : 0);
  const grows = columns.some((column) => column.grow);
  const loaded = [...rows.values()].filter((row) => row.original.data !== undefined);
  const allChosen = loaded.length > 0 && loaded.every((row) => row.getIsSelected());
  const someChosen = loaded.some((row) => row.getIsSelected());

  return (
    <div
      ref={scroller}
      className={classes.scroller}
      data-outdated={source.outdated || undefined}
      onScroll={(event) => source.setAtTop(event.currentTarget.scrollTop < ROW_HEIGHT)}
    >
      {source.waiting > 0 && (
        <div className={classes.waiting}>
          <UnstyledButton
            className={classes.waitingButton}
            onClick={() => {
              source.showWaiting();
              scroller.current?.scrollTo({ top: 0 });
            }}
          >
            <IconArrowUp size={14} aria-hidden="true" />
            {t('table.waiting', { count: source.waiting })}
          </UnstyledButton>
        </div>
      )}
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: rows take the focus, arrows move it
        role="grid"
        className={classes.grid}
        style={{ minWidth: width }}
        aria-label={label}
        aria-rowcount={source.total === null ? -1 : source.total + 1}
        aria-multiselectable={selectable || undefined}
      >
        <colgroup>
          {selectable && <col style={{ width: CHECK_WIDTH }} />}
          {columns.map((column) => (
            <col key={column.id} style={{ width: column.grow && grows ? undefined : column.width }} />
          ))}
          {actions && <col style={{ width: MENU_WIDTH }} />}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {selectable && (
              <th scope="col" className={classes.check}>
                <input
                  type="checkbox"
                  className={classes.box}
                  aria-label={t('table.chooseShown')}
                  checked={allChosen}
                  ref={(box) => {
                    if (box !== null) box.indeterminate = someChosen && !allChosen;
                  }}
                  onChange={(event) => {
                    const on = event.currentTarget.checked;
                    onSelection((chosen) => {
                      const next = { ...chosen };
                      for (const row of loaded) {
                        if (on) next[row.id] = true;
                        else delete next[row.id];
                      }
                      return next;
                    });
                  }}
                />
              </th>
            )}
            {columns.map((column) => (
              <Heading key={column.id} column={column} source={source} />
            ))}
            {actions && (
              <th scope="col">
                <span className={classes.unseen}>{t('table.actions')}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={onKeyDown}>
          {before > 0 && <Room height={before} />}
          {items.map((item) => {
            const row = rows.get(item.index);
            return (
              <GridRow
                key={item.key}
                index={item.index}
                row={row}
                data={row?.original.data}
                columns={columns}
                chosen={row?.getIsSelected() ?? false}
                active={item.index === reached}
                selectable={selectable}
                onActive={setActive}
                onOpen={onOpen}
                actions={actions}
                name={row?.original.data === undefined ? '' : row.id}
              />
            );
          })}
          {after > 0 && <Room height={after} />}
        </tbody>
      </table>
    </div>
  );
}

/** Takes the place of rows that are out of sight. */
function Room({ height }: { height: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus
    <tr aria-hidden="true" className={classes.space}>
      <td style={{ height }} />
    </tr>
  );
}

function toggled(chosen: Record<string, boolean>, id: string): Record<string, boolean> {
  const { [id]: was, ...others } = chosen;
  return was ? others : { ...others, [id]: true };
}

function Heading<R>({ column, source }: { column: ShownColumn<R>; source: RowViewProps<R>['source'] }) {
  const { sorting, setSorting } = source;
  const current = sorting?.column === column.id;
  const sortable = column.sortable && setSorting !== null;
  const Arrow = current && sorting.descending ? IconArrowDown : IconArrowUp;
  return (
    <th
      scope="col"
      data-align={column.align}
      aria-sort={
        sortable ? (current ? (sorting.descending ? 'descending' : 'ascending') : 'none') : undefined
      }
    >
      {sortable ? (
        <UnstyledButton
          className={classes.sort}
          data-current={current || undefined}
          onClick={() => setSorting({ column: column.id, descending: current && !sorting.descending })}
        >
          <span className={classes.clip}>{column.header}</span>
          <Arrow size={14} aria-hidden="true" />
        </UnstyledButton>
      ) : (
        <span className={classes.clip}>{column.header}</span>
      )}
    </th>
  );
}

interface GridRowProps<R> {
  index: number;
  row: Row<Slot<R>> | undefined;
  data: R | undefined;
  columns: readonly ShownColumn<R>[];
  chosen: boolean;
  active: boolean;
  selectable: boolean;
  onActive: (index: number) => void;
  onOpen: ((row: R) => void) | undefined;
  actions: ((row: R) => readonly RowAction[]) | undefined;
  name: string;
}

function PlainGridRow<R>({
  index,
  row,
  data,
  columns,
  chosen,
  active,
  selectable,
  onActive,
  onOpen,
  actions,
  name,
}: GridRowProps<R>) {
  const { t } = useTranslation();
  const titleColumn = columns.find((column) => column.card === 'title');
  function onClick(event: MouseEvent<HTMLTableRowElement>) {
    const inner = (event.target as HTMLElement).closest('button, a, input, label, [role="menu"]');
    const selected = window.getSelection()?.toString() ?? '';
    if (data === undefined || inner !== null || selected !== '') return;
    onOpen?.(data);
  }
  return (
    <tr
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={selectable ? chosen : undefined}
      tabIndex={active ? 0 : -1}
      className={clsx(classes.row, onOpen && classes.openable)}
      onFocus={() => onActive(index)}
      onClick={onClick}
    >
      {selectable && (
        <td className={classes.check}>
          <input
            type="checkbox"
            className={classes.box}
            tabIndex={-1}
            aria-label={t('table.chooseRow', { row: index + 1 })}
            checked={chosen}
            disabled={data === undefined}
            onChange={() => row?.toggleSelected()}
          />
        </td>
      )}
      {columns.map((column) => (
        <td key={column.id} data-align={column.align} data-title={column === titleColumn || undefined}>
          {data === undefined ? <Skeleton height={10} width="60%" /> : column.cell(data)}
        </td>
      ))}
      {actions && (
        <td className={classes.menuCell}>
          {data !== undefined && <RowMenu key={name} actions={() => actions(data)} of={String(index + 1)} />}
        </td>
      )}
    </tr>
  );
}

// While scrolling most rows stay what they are.
const GridRow = memo(
  PlainGridRow,
  (before, after) =>
    before.data === after.data &&
    before.index === after.index &&
    before.columns === after.columns &&
    before.chosen === after.chosen &&
    before.active === after.active &&
    before.selectable === after.selectable &&
    before.onOpen === after.onOpen &&
    before.actions === after.actions,
) as typeof PlainGridRow;
