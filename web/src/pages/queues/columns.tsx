import { Button } from '@mantine/core';
import { IconHeadset } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { useFormat } from '@/kit/format';
import { Nothing } from '@/kit/KeyValue';
import { StateBadge } from '@/kit/StateBadge';
import type { Column } from '@/kit/table/columns';
import { Duration } from '@/kit/text/Duration';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';

type QueueRow = RowOf<'/pbx/queues/list'>;

/** Columns of the list of queues. `onAgents` opens the agents of one. */
export function columnsOf(onAgents: (row: QueueRow) => void): readonly Column<QueueRow>[] {
  return [
    {
      id: 'number',
      width: 100,
      sortable: true,
      fixed: true,
      card: 'title',
      cell: (row) => <PhoneNumber>{row.number}</PhoneNumber>,
    },
    { id: 'name', width: 160, grow: true, sortable: true, cell: (row) => <Name>{row.name}</Name> },
    { id: 'waiting', width: 125, card: 'beside', cell: (row) => <Waiting count={row.waiting} /> },
    {
      id: 'longest',
      width: 115,
      cell: (row) =>
        row.longest_wait_since === null ? <Nothing /> : <Duration since={row.longest_wait_since} />,
    },
    { id: 'agents', width: 195, cell: (row) => <Agents row={row} onAgents={onAgents} /> },
    { id: 'paused', width: 100, card: 'none', align: 'end', cell: (row) => <Count of={row.paused} /> },
    { id: 'strategy', width: 125, sortable: true, cell: (row) => <Strategy of={row.strategy} /> },
    { id: 'call_record', width: 110, hidden: true, cell: (row) => <Recorded on={row.call_record} /> },
    { id: 'music', width: 130, hidden: true, cell: (row) => <Name>{row.music}</Name> },
    {
      id: 'updated_at',
      width: 150,
      sortable: true,
      hidden: true,
      align: 'end',
      cell: (row) => <TimeText at={row.updated_at} as="relative" />,
    },
  ];
}

function Waiting({ count }: { count: number }) {
  const { t } = useTranslation('queues');
  if (count === 0) return <Nothing />;
  return <StateBadge tone="warn" label={t('waitingCount', { count })} />;
}

function Agents({ row, onAgents }: { row: QueueRow; onAgents: (row: QueueRow) => void }) {
  const { t } = useTranslation('queues');
  const shown =
    row.members === 0
      ? t('agents.noneShort')
      : t('availableOf', { available: row.available, count: row.members });
  return (
    <Button
      variant="light"
      size="compact-sm"
      leftSection={<IconHeadset size={14} />}
      aria-label={t('agents.openOf', { shown, number: row.number })}
      onClick={() => onAgents(row)}
    >
      {shown}
    </Button>
  );
}

function Count({ of }: { of: number }) {
  const format = useFormat();
  return of === 0 ? <Nothing /> : format.number(of);
}

function Strategy({ of }: { of: string }) {
  const { t } = useTranslation('queues');
  return <Name>{t(`option.strategy.${of}`)}</Name>;
}

function Recorded({ on }: { on: boolean }) {
  const { t } = useTranslation('queues');
  return on ? t('recorded') : <Nothing />;
}
