import { Button } from '@mantine/core';
import { IconFileText, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useCallback, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useRead } from '@/api/queries';
import { useTimeRange } from '@/kit/dates/range';
import { TimeRangeFilter } from '@/kit/dates/TimeRangeFilter';
import { useDrawer } from '@/kit/drawer';
import { ExportButton } from '@/kit/ExportButton';
import { useFilters } from '@/kit/filters';
import { useFormat } from '@/kit/format';
import { Nothing } from '@/kit/KeyValue';
import { PageHeader } from '@/kit/PageHeader';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { FilterSelect } from '@/kit/table/FilterSelect';
import { NameFilter } from '@/kit/table/NameFilter';
import { type LogSource, loadedRow, useLog } from '@/kit/table/useLog';
import { Code } from '@/kit/text/Code';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import { AddressFilter } from './AddressFilter';
import { RequestDrawer } from './RequestDrawer';
import { RequestStatus } from './RequestStatus';
import type { Request } from './requests';
import { useLiveRows } from './useLiveRows';

const PATH = '/api_log/list';
const NO_FILTERS = { account: '', service: '', status: '', outcome: 'all', address: '', time: '' };
/** Classes and single ones that the Simotel API answers with. */
const STATUSES = ['', '2xx', '4xx', '5xx', '400', '401', '403', '405', '415', '500', '501', '503'] as const;
const OUTCOMES = ['all', 'done', 'failed', 'refused'] as const;

type Outcome = (typeof OUTCOMES)[number];

export default function ApiLogs() {
  const { t } = useTranslation('api-logs');
  const [filters, setFilters, filtered] = useFilters(NO_FILTERS);
  const names = useRead('/api_log/filters');
  const opened = useDrawer('request');
  const navigate = useNavigate();
  const { since, until } = useTimeRange(filters.time);
  const query = {
    account: filters.account,
    service: filters.service,
    status: filters.status,
    outcome: filters.outcome as Outcome,
    address: filters.address,
    since,
    until,
  };
  const log = useLog(PATH, { filters: query, before: (row) => ({ before_id: row.id }) });
  useLiveRows(log, query, filtered);
  const [paused, togglePaused, source] = usePause(log);
  const { open } = opened;
  const onOpen = useCallback((row: Request) => open(String(row.id)), [open]);
  const columns = useColumns();
  const id = Number(opened.value);

  return (
    <>
      <PageHeader>
        <Button
          variant="default"
          aria-pressed={paused}
          leftSection={
            paused ? (
              <IconPlayerPlay size={16} aria-hidden="true" />
            ) : (
              <IconPlayerPause size={16} aria-hidden="true" />
            )
          }
          onClick={togglePaused}
        >
          {t(paused ? 'resume' : 'pause')}
        </Button>
        <ExportButton path="/api_log/export" query={query} />
      </PageHeader>
      <DataTable
        id="api-logs"
        label={t('listed')}
        source={source}
        columns={columns}
        rowId={(row) => String(row.id)}
        onOpen={onOpen}
        filtered={filtered}
        filters={
          <>
            <NameFilter
              label={t('filter.account')}
              names={names.data?.accounts ?? []}
              value={filters.account}
              onChange={(account) => setFilters({ account })}
              width={140}
            />
            <NameFilter
              label={t('filter.service')}
              names={names.data?.services ?? []}
              value={filters.service}
              onChange={(service) => setFilters({ service })}
              width={145}
              ltr
            />
            <FilterSelect
              label={t('filter.status')}
              width={135}
              choices={STATUSES.map((value) => ({ value, label: t(`status.${value || 'all'}`) }))}
              value={filters.status}
              onChange={(status) => setFilters({ status })}
            />
            <FilterSelect
              label={t('filter.outcome')}
              width={140}
              choices={OUTCOMES.map((value) => ({ value, label: t(`outcome.${value}`) }))}
              value={filters.outcome}
              onChange={(outcome) => setFilters({ outcome })}
            />
            <AddressFilter value={filters.address} onChange={(address) => setFilters({ address })} />
            <TimeRangeFilter value={filters.time} onChange={(time) => setFilters({ time })} />
          </>
        }
        empty={<EmptyState icon={IconFileText} title={t('emptyTitle')} text={t('emptyText')} />}
      />
      {opened.value !== null && Number.isSafeInteger(id) && id >= 0 && (
        <RequestDrawer
          id={id}
          request={loadedRow(log, (row) => row.id === id)}
          onClose={opened.close}
          onNarrow={(narrowing) => void navigate({ search: new URLSearchParams(narrowing).toString() })}
        />
      )}
    </>
  );
}

/** Lets news wait although somebody looks at the top. */
function usePause(
  log: LogSource<Request>,
): [paused: boolean, toggle: () => void, source: LogSource<Request>] {
  const [paused, setPaused] = useState(false);
  const atTop = useRef(true);
  const source = {
    ...log,
    setAtTop: (now: boolean) => {
      atTop.current = now;
      if (!paused) log.setAtTop(now);
    },
  };
  const toggle = () => {
    log.setAtTop(paused && atTop.current);
    setPaused(!paused);
  };
  return [paused, toggle, source];
}

function useColumns(): Column<Request>[] {
  const { t } = useTranslation('api-logs');
  const format = useFormat();
  return useMemo(
    () => [
      { id: 'at', width: 207, fixed: true, card: 'title', cell: (row) => <TimeText at={row.at} /> },
      { id: 'status', width: 148, card: 'beside', cell: (row) => <RequestStatus of={row} /> },
      {
        id: 'account',
        width: 105,
        cell: (row) => (row.account === null ? t('nobody') : <Name>{row.account}</Name>),
      },
      { id: 'address', width: 120, cell: (row) => <Code>{row.address}</Code> },
      { id: 'service', width: 183, cell: (row) => <Name>{row.service}</Name> },
      {
        id: 'message',
        width: 120,
        grow: true,
        cell: (row) => (row.message ? <Name>{row.message}</Name> : <Nothing />),
      },
      { id: 'method', width: 90, hidden: true, cell: (row) => <Code>{row.method}</Code> },
      {
        id: 'error_field',
        width: 140,
        hidden: true,
        cell: (row) => (row.error_field === null ? null : <Code>{row.error_field}</Code>),
      },
      {
        id: 'duration_ms',
        width: 97,
        align: 'end',
        cell: (row) => format.number(row.duration_us / 1000, { maximumFractionDigits: 1 }),
      },
    ],
    [t, format],
  );
}
