import { IconHistory } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { PAGES } from '@/app/pages';
import { useTimeRange } from '@/kit/dates/range';
import { TimeRangeFilter } from '@/kit/dates/TimeRangeFilter';
import { useFilters } from '@/kit/filters';
import { PageHeader } from '@/kit/PageHeader';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { FilterSelect } from '@/kit/table/FilterSelect';
import { useLog } from '@/kit/table/useLog';
import { useLogNews } from '@/kit/table/useLogNews';
import { Code } from '@/kit/text/Code';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import { AccountFilter } from './AccountFilter';
import { EntryDrawer } from './EntryDrawer';
import { type Entry, SESSION, useEntryTexts } from './entries';

const PATH = '/activity/list';
const NO_FILTERS = { account: '', page: '', time: '' };

export default function Page() {
  const { t } = useTranslation('activity');
  const texts = useEntryTexts();
  const [filters, setFilters, filtered] = useFilters(NO_FILTERS);
  const [{ search }] = useFilters({ search: '' });
  const span = useTimeRange(filters.time);
  const [opened, setOpened] = useState<Entry | null>(null);
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
      { id: 'at', width: 190, fixed: true, card: 'title', cell: (row) => <TimeText at={row.at} /> },
      {
        id: 'account',
        width: 140,
        cell: (row) => (row.account === '' ? t('nobody') : <Name>{row.account}</Name>),
      },
      { id: 'page', width: 150, cell: (row) => pageText(row.page) },
      { id: 'action', width: 190, card: 'beside', cell: (row) => actionText(row.action) },
      { id: 'subject', width: 200, grow: true, cell: (row) => <Name>{row.subject}</Name> },
      { id: 'address', width: 150, cell: (row) => <Code>{row.address}</Code> },
    ],
    [t, pageText, actionText],
  );
  const pages = ['', SESSION, ...PAGES.map((page) => page.id)];

  return (
    <>
      <PageHeader />
      <DataTable
        id="activity"
        label={t('list')}
        source={log}
        columns={columns}
        rowId={(row) => String(row.id)}
        onOpen={setOpened}
        filtered={filtered}
        filters={
          <>
            <AccountFilter value={filters.account} onChange={(account) => setFilters({ account })} />
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
      {opened !== null && <EntryDrawer entry={opened} onClose={() => setOpened(null)} />}
    </>
  );
}
