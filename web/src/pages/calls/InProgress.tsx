import { IconEye, IconPhoneCall, IconPhoneOff } from '@tabler/icons-react';
import { type ReactNode, useCallback, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/app/session/session';
import { Nothing } from '@/kit/KeyValue';
import { Note } from '@/kit/Note';
import { StateBadge } from '@/kit/StateBadge';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column, RowAction } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { useKnownRows } from '@/kit/table/useKnownRows';
import { Duration } from '@/kit/text/Duration';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';
import type { LiveCall, LiveCalls } from './live';
import { PartyLine } from './Party';
import { CALL_LOOKS, useCallWords } from './words';

export interface InProgressProps {
  live: LiveCalls;
  newCall: ReactNode;
  onOpen: (call: LiveCall) => void;
  onHangUp: (call: LiveCall) => void;
}

/** Calls in progress. */
export function InProgress({ live, newCall, onOpen, onHangUp }: InProgressProps) {
  const { t } = useTranslation('calls');
  const may = useMay();
  const mayUpdate = may('calls', 'update');
  const words = useCallWords();
  const source = useKnownRows({ rows: live.rows }, matches);
  const columns: readonly Column<LiveCall>[] = useMemo(
    () => [
      {
        id: 'caller',
        width: 190,
        grow: true,
        fixed: true,
        card: 'title',
        cell: (call) => <PartyLine party={call.caller} />,
      },
      { id: 'callee', width: 190, grow: true, cell: (call) => <PartyLine party={call.callee} /> },
      {
        id: 'state',
        width: 170,
        card: 'beside',
        cell: (call) => (
          <StateBadge
            {...CALL_LOOKS[call.state]}
            label={t(`state.${call.state}`)}
            hint={call.state === 'ended' ? words.cause(call.cause) : t(`stateHint.${call.state}`)}
          />
        ),
      },
      {
        id: 'queue',
        width: 90,
        cell: (call) => (call.queue === null ? <Nothing /> : <PhoneNumber>{call.queue}</PhoneNumber>),
      },
      { id: 'started', width: 110, cell: (call) => <TimeText at={call.started_at} as="time" /> },
      {
        id: 'duration',
        width: 100,
        align: 'end',
        cell: (call) =>
          call.ended_at === null ? (
            <Duration since={call.started_at} />
          ) : (
            <Duration ms={call.ended_at - call.started_at} />
          ),
      },
    ],
    [t, words],
  );
  const actions = useCallback(
    (call: LiveCall): RowAction[] => {
      const look = { label: t('look'), icon: <IconEye size={16} />, onClick: () => onOpen(call) };
      if (!mayUpdate || call.state === 'ended') return [look];
      return [
        look,
        {
          label: t('hangUp.action'),
          icon: <IconPhoneOff size={16} />,
          onClick: () => onHangUp(call),
          danger: true,
        },
      ];
    },
    [t, mayUpdate, onOpen, onHangUp],
  );
  return (
    <>
      {!live.engineReady && (
        <Note tone="warn" title={t('engineAway.title')} urgent>
          {t('engineAway.text')}
        </Note>
      )}
      <DataTable
        id="calls"
        label={t('listed')}
        source={source}
        columns={columns}
        rowId={(call) => call.id}
        onOpen={onOpen}
        actions={actions}
        empty={
          <EmptyState icon={IconPhoneCall} title={t('empty.title')} text={t('empty.text')}>
            {newCall}
          </EmptyState>
        }
      />
    </>
  );
}

function matches({ caller, callee, queue }: LiveCall, search: string): boolean {
  return [caller.number, caller.name, callee?.number, callee?.name, queue].some((text) =>
    text?.toLowerCase().includes(search),
  );
}
