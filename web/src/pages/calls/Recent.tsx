import { CloseButton, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconHistory, IconPhone, IconPlayerPlay } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFilters } from '@/kit/filters';
import { latinDigits } from '@/kit/form/digits';
import { Nothing } from '@/kit/KeyValue';
import { StateBadge } from '@/kit/StateBadge';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { useLog } from '@/kit/table/useLog';
import { useLogNews } from '@/kit/table/useLogNews';
import { Duration } from '@/kit/text/Duration';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';
import classes from './calls.module.css';
import type { CallRecord } from './live';
import { useCallWords } from './words';

const PATH = '/calls/recent';
const PAUSE = 300;

/** Calls that are over, the latest first. */
export function Recent({ onOpen }: { onOpen: (record: CallRecord) => void }) {
  const { t } = useTranslation('calls');
  const words = useCallWords();
  const [filters, setFilters, filtered] = useFilters({ number: '' });
  const log = useLog(PATH, { filters, before: (row) => ({ before: row.id }) });
  useLogNews(PATH, log, filters, (row) => row.id);
  const columns: readonly Column<CallRecord>[] = useMemo(
    () => [
      {
        id: 'started',
        width: 196,
        fixed: true,
        card: 'none',
        cell: (row) => <TimeText at={row.started_at} />,
      },
      {
        id: 'from',
        width: 170,
        grow: true,
        fixed: true,
        card: 'title',
        cell: (row) => (
          <span className={classes.party}>
            <PhoneNumber>{row.src}</PhoneNumber>
            {row.src_name !== '' && (
              <span className={classes.partyName}>
                <Name>{row.src_name}</Name>
              </span>
            )}
          </span>
        ),
      },
      {
        id: 'to',
        width: 110,
        cell: (row) => (row.dst === '' ? <Nothing /> : <PhoneNumber>{row.dst}</PhoneNumber>),
      },
      {
        id: 'result',
        width: 140,
        card: 'beside',
        cell: (row) => {
          const result = words.disposition(row.disposition);
          return <StateBadge {...result} hint={row.reason ?? undefined} />;
        },
      },
      { id: 'type', width: 104, cell: (row) => words.type(row.type) },
      {
        id: 'queue',
        width: 80,
        hidden: true,
        cell: (row) => (row.queue === null ? <Nothing /> : <PhoneNumber>{row.queue}</PhoneNumber>),
      },
      { id: 'wait', width: 78, align: 'end', cell: (row) => <Duration ms={row.wait_ms} /> },
      { id: 'talk', width: 72, align: 'end', cell: (row) => <Duration ms={row.billsec_ms} /> },
      {
        id: 'recorded',
        width: 96,
        cell: (row) =>
          row.recorded ? (
            <span title={t('recording.there')}>
              <IconPlayerPlay size={16} aria-label={t('recording.there')} role="img" />
            </span>
          ) : (
            <Nothing />
          ),
      },
    ],
    [t, words],
  );
  return (
    <DataTable
      id="recent-calls"
      label={t('recentListed')}
      source={log}
      columns={columns}
      rowId={(row) => row.id}
      onOpen={onOpen}
      filtered={filtered}
      filters={<NumberFilter value={filters.number} onChange={(number) => setFilters({ number })} />}
      empty={<EmptyState icon={IconHistory} title={t('noRecent.title')} text={t('noRecent.text')} />}
    />
  );
}

/** Records from or to exactly this number. */
function NumberFilter({ value, onChange }: { value: string; onChange: (number: string) => void }) {
  const { t } = useTranslation('calls');
  const { t: shared } = useTranslation();
  const [typed, setTyped] = useState(value);
  const later = useDebouncedCallback(onChange, PAUSE);
  useEffect(() => setTyped((now) => (now.trim() === value ? now : value)), [value]);
  return (
    <TextInput
      aria-label={t('numberFilter')}
      placeholder={t('numberFilter')}
      type="search"
      inputMode="tel"
      maxLength={80}
      w={{ base: '100%', sm: 240 }}
      classNames={{ input: classes.ltr }}
      leftSection={<IconPhone size={16} aria-hidden="true" />}
      rightSection={
        typed === '' ? null : (
          <CloseButton
            size="sm"
            aria-label={shared('field.clear')}
            onClick={() => {
              setTyped('');
              onChange('');
            }}
          />
        )
      }
      value={typed}
      onChange={(event) => {
        const number = latinDigits(event.currentTarget.value);
        setTyped(number);
        later(number.trim());
      }}
    />
  );
}
