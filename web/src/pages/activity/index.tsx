import { IconHistory } from '@tabler/icons-react';
import { useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { PAGES } from '@/app/pages';
import { useTimeRange } from '@/kit/dates/range';
import { TimeRangeFilter } from '@/kit/dates/TimeRangeFilter';
import { useDrawer } from '@/kit/drawer';
import { useFilters } from '@/kit/filters';
import { PageHeader } from '@/kit/PageHeader';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { FilterSelect } from '@/kit/table/FilterSelect';
import { NameFilter } from '@/kit/table/NameFilter';
import { loadedRow, useLog } from '@/kit/table/useLog';
import { useLogNews } from '@/kit/table/useLogNews';
import { Code } from '@/kit/text/Code';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import { EntryDrawer } from './EntryDrawer';
import { type Entry, SESSION, useEntryTexts } from './entries';

const PATH = '/activity/list';
const rowId = (row: Entry) => String(row.id);
const NO_FILTERS = { account: '', page: '', time: '' };

/** What was done in the console, by whom, and what it changed. */
export default function Activity() {
  const { t } = useTranslation('activity');
  const texts = useEntryTexts();
  const [filters, setFilters, filtered] = useFilters(NO_FILTERS);
  const [{ search }] = useFilters({ search: '' });
  const span = useTimeRange(filters.time);
  const names = useRead('/activity/filters');
  const opened = useDrawer('entry');
  const { open } = opened;
  const onOpen = useCallback((row: Entry) => open(String(row.id)), [open]);
  const query = { account: filters.account, page: filters.page, ...span };
  const log = useLog(PATH, {
    filters: query,
    before: (row) => ({ before_id: row.id }),
    searchable: true,
  });
  useLogNews(PATH, log, { ...query, search }, (row) => row.id);

  const { pageText, actionText } = texts;
  const columns = useMemo<readonly Column<Entry>[]>(
    () => [
      { id: 'at', width: 208, fixed: true, card: 'title', cell: (row) => <TimeText at={row.at} /> },
      {
        id: 'account',
        width: 120,
        cell: (row) => (row.account === '' ? t('nobody') : <Name>{row.account}</Name>),
      },
      { id: 'page', width: 130, cell: (row) => pageText(row.page) },
      { id: 'action', width: 200, cell: (row) => actionText(row.action) },
      { id: 'subject', width: 150, grow: true, cell: (row) => <Name>{row.subject}</Name> },
      { id: 'address', width: 136, cell: (row) => <Code>{row.address}</Code> },
    ],
    [t, pageText, actionText],
  );
  const id = Number(opened.value);
  const pages = ['', SESSION, ...PAGES.map((page) => page.id)];

  return (
    <>
      <PageHeader />
      <DataTable
        id="activity"
        label={t('list')}
        source={log}
        columns={columns}
        rowId={rowId}
        onOpen={onOpen}
        filtered={filtered}
        filters={
          <>
            <NameFilter
              label={t('filterAccount')}
              names={names.data?.accounts ?? []}
              value={filters.account}
              onChange={(account) => setFilters({ account })}
              width={150}
            />
            <FilterSelect
              label={t('filterPage')}
              value={filters.page}
              onChange={(page) => setFilters({ page })}
              choices={pages.map((id) => ({
                value: id,
                label: id === '' ? t('allPages') : pageText(id),
              }))}
            />
            <TimeRangeFilter value={filters.time} onChange={(time) => setFilters({ time })} />
          </>
        }
        empty={<EmptyState icon={IconHistory} title={t('empty')} text={t('emptyText')} />}
      />
      {opened.value !== null && Number.isSafeInteger(id) && id >= 0 && (
        <EntryDrawer key={id} id={id} entry={loadedRow(log, (row) => row.id === id)} onClose={opened.close} />
      )}
    </>
  );
}
