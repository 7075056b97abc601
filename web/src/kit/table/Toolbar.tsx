import { ActionIcon, Button, CloseButton, Menu, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import {
  IconArrowsSort,
  IconColumns,
  IconFilter,
  IconSearch,
  IconSortAscending,
  IconSortDescending,
} from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ShownColumn } from './DataTable';
import classes from './DataTable.module.css';
import type { RowSource } from './source';

const PAUSE = 250;

export interface ToolbarProps<R> {
  source: RowSource<R>;
  /** All there are, and those that are shown. */
  columns: readonly ShownColumn<R>[];
  shown: readonly ShownColumn<R>[];
  onShow: (column: string, visible: boolean) => void;
  filters: ReactNode;
  filtered: boolean;
  tools: ReactNode;
  narrow: boolean;
}

/** The line above the rows: search, filters, how many there are, which columns. */
export function Toolbar<R>({
  source,
  columns,
  shown,
  onShow,
  filters,
  filtered,
  tools,
  narrow,
}: ToolbarProps<R>) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <div className={classes.toolbar}>
      {source.setSearch !== null && <Search source={source} />}
      {narrow && filters !== undefined && (
        <Button
          variant={filtered ? 'light' : 'default'}
          leftSection={<IconFilter size={16} />}
          aria-expanded={open}
          onClick={() => setOpen((now) => !now)}
        >
          {t('table.filters')}
        </Button>
      )}
      {filters !== undefined && (!narrow || open) && <div className={classes.filters}>{filters}</div>}
      <div className={classes.end}>
        <span className={classes.count} role="status">
          {source.total === null ? '' : t('table.count', { count: source.total })}
        </span>
        {tools}
        {narrow ? (
          <SortMenu source={source} columns={columns} />
        ) : (
          <ColumnMenu columns={columns} shown={shown} onShow={onShow} />
        )}
      </div>
    </div>
  );
}

function Search<R>({ source }: { source: RowSource<R> }) {
  const { t } = useTranslation();
  const { search, setSearch } = source;
  const [typed, setTyped] = useState(search);
  const later = useDebouncedCallback((text: string) => setSearch?.(text.trim()), PAUSE);
  // Somebody went back, or a link set it.
  useEffect(() => setTyped((now) => (now.trim() === search ? now : search)), [search]);
  return (
    <TextInput
      className={classes.search}
      type="search"
      aria-label={t('table.search')}
      placeholder={t('table.search')}
      leftSection={<IconSearch size={16} />}
      rightSection={
        typed === '' ? null : (
          <CloseButton
            size="sm"
            aria-label={t('field.clear')}
            onClick={() => {
              setTyped('');
              setSearch?.('');
            }}
          />
        )
      }
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
    />
  );
}

function ColumnMenu<R>({ columns, shown, onShow }: Pick<ToolbarProps<R>, 'columns' | 'shown' | 'onShow'>) {
  const { t } = useTranslation();
  const choice = columns.filter((column) => !column.fixed);
  if (choice.length === 0) return null;
  return (
    <Menu position="bottom-end" closeOnItemClick={false}>
      <Menu.Target>
        <Tooltip label={t('table.columns')}>
          <ActionIcon variant="default" size={36} aria-label={t('table.columns')}>
            <IconColumns size={18} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('table.columns')}</Menu.Label>
        {choice.map((column) => {
          const visible = shown.includes(column);
          return (
            <Menu.CheckboxItem
              key={column.id}
              checked={visible}
              onChange={(wanted) => onShow(column.id, wanted)}
            >
              {column.header}
            </Menu.CheckboxItem>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}

/** On phones there are no headings to click. */
function SortMenu<R>({ source, columns }: Pick<ToolbarProps<R>, 'source' | 'columns'>) {
  const { t } = useTranslation();
  const { sorting, setSorting } = source;
  const sortable = columns.filter((column) => column.sortable);
  if (setSorting === null || sortable.length === 0) return null;
  const Direction = sorting?.descending ? IconSortDescending : IconSortAscending;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="default" size={36} aria-label={t('table.sort')}>
          <IconArrowsSort size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t('table.sort')}</Menu.Label>
        {sortable.map((column) => {
          const current = sorting?.column === column.id;
          return (
            <Menu.RadioItem
              key={column.id}
              value={column.id}
              checked={current}
              closeMenuOnClick
              rightSection={current ? <Direction size={16} /> : null}
              onClick={() => setSorting({ column: column.id, descending: current && !sorting.descending })}
            >
              {column.header}
            </Menu.RadioItem>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
