import { Button, Group, Loader, Stack } from '@mantine/core';
import { IconPhoneOff } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { Note } from '@/kit/Note';
import { StateBadge } from '@/kit/StateBadge';
import { ErrorState } from '@/kit/states/ErrorState';
import { Duration } from '@/kit/text/Duration';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';
import classes from './calls.module.css';
import type { CallRecord, LiveCall } from './live';
import { Between, PartyCard, useKind } from './Party';
import { Record } from './Record';
import { Story } from './Story';
import { CALL_LOOKS, isTrouble, useCallWords } from './words';

/** Records are written a moment after the end: looked for so often, in milliseconds. */
const LOOK = 500;
/** After so long the record is still looked for, but not waited for. */
const PATIENCE = 30_000;
const LOOK_LATER = 5_000;

export interface CallDrawerProps {
  id: string;
  /** The call while it goes on, and after that while its story is remembered. */
  live: LiveCall | undefined;
  /** Asked for from here a moment ago: it may not be seen yet. */
  starting: boolean;
  onHangUp: (call: LiveCall) => void;
  onClose: () => void;
}

/** A call: what happens in it while it goes on, its record when it is over. */
export function CallDrawer({ id, live, starting, onHangUp, onClose }: CallDrawerProps) {
  const { t } = useTranslation('calls');
  const may = useMay();
  const going = live !== undefined && live.state !== 'ended';
  const { record, error, late, retry } = useRecord(id, !going);
  const known = live ?? record;
  return (
    <SideDrawer
      title={
        known === undefined ? (
          t('call')
        ) : (
          <Between
            caller={live?.caller.number ?? record?.src ?? ''}
            callee={(live === undefined ? record?.dst : live.callee?.number) ?? ''}
          />
        )
      }
      onClose={onClose}
      footer={
        going && may('calls', 'update') ? (
          <Group justify="flex-end" w="100%">
            <Button
              color="red.8"
              leftSection={<IconPhoneOff size={16} aria-hidden="true" />}
              onClick={() => onHangUp(live)}
            >
              {t('hangUp.action')}
            </Button>
          </Group>
        ) : undefined
      }
    >
      <Stack gap="lg">
        {live !== undefined && <Now call={live} />}
        {live === undefined && record !== undefined && <Parties record={record} />}
        {record !== undefined && <Record record={record} />}
        {!going && record === undefined && (
          <Waiting
            error={error}
            retry={retry}
            text={
              live !== undefined
                ? t(late ? 'record.late' : 'record.soon')
                : starting
                  ? t('starting')
                  : late
                    ? t('record.none')
                    : t('record.looking')
            }
            over={late}
          />
        )}
        {live !== undefined && <Story call={live} />}
      </Stack>
    </SideDrawer>
  );
}

/** How a call is at this moment. */
function Now({ call }: { call: LiveCall }) {
  const { t } = useTranslation('calls');
  const words = useCallWords();
  const kind = useKind();
  const over = call.state === 'ended';
  const from = call.answered_at ?? call.started_at;
  return (
    <>
      <div className={classes.now}>
        <StateBadge {...CALL_LOOKS[call.state]} label={t(`state.${call.state}`)} live />
        <span className={classes.clock}>
          {call.ended_at === null ? <Duration since={from} /> : <Duration ms={call.ended_at - from} />}
        </span>
        <span className={classes.since}>
          {t('startedAt')} <TimeText at={call.started_at} as="time" />
        </span>
      </div>
      {over && isTrouble(call.cause) && (
        <Note tone={call.answered_at === null ? 'warn' : 'info'} title={t('endedBecause')}>
          {words.cause(call.cause)}
        </Note>
      )}
      <div className={classes.cards}>
        <PartyCard
          role={t('column.caller')}
          number={call.caller.number}
          name={call.caller.name}
          kind={kind(call.caller)}
          live={call.caller}
          over={over}
        />
        {call.callee !== null && (
          <PartyCard
            role={t('column.callee')}
            number={call.callee.number}
            name={call.callee.name}
            kind={kind(call.callee)}
            live={call.callee}
            over={over}
          />
        )}
      </div>
      {call.queue !== null && (
        <div>
          {t('column.queue')}: <PhoneNumber>{call.queue}</PhoneNumber>
        </div>
      )}
    </>
  );
}

function Parties({ record }: { record: CallRecord }) {
  const { t } = useTranslation('calls');
  return (
    <div className={classes.cards}>
      <PartyCard role={t('column.caller')} number={record.src} name={record.src_name} />
      <PartyCard role={t('column.callee')} number={record.dst} name="" />
    </div>
  );
}

function Waiting({
  text,
  over,
  error,
  retry,
}: {
  text: ReactNode;
  over: boolean;
  error: unknown;
  retry: () => void;
}) {
  if (error !== null) return <ErrorState error={error} onRetry={retry} />;
  if (over) return <Note>{text}</Note>;
  return (
    <div className={classes.waiting} role="status">
      <Loader size="xs" aria-hidden />
      {text}
    </div>
  );
}

/** The record of a call, looked for until it is written. */
function useRecord(id: string, wanted: boolean) {
  const queries = useQueryClient();
  const [late, setLate] = useState(false);
  const [found, setFound] = useState<CallRecord>();
  const record = found?.call_id === id ? found : undefined;
  const query = useRead(
    '/calls/recent',
    { call_id: id },
    { enabled: wanted && record === undefined, every: late ? LOOK_LATER : LOOK },
  );
  const row = query.data?.rows[0];
  useEffect(() => {
    if (row !== undefined) setFound(row);
  }, [row]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another call is waited for anew
  useEffect(() => {
    setLate(false);
    if (!wanted) return;
    // What was read before the end says that there is none.
    void queries.invalidateQueries({ queryKey: ['/calls/recent', { call_id: id }] });
    const timer = setTimeout(() => setLate(true), PATIENCE);
    return () => clearTimeout(timer);
  }, [id, wanted]);
  return { record, error: query.isError ? query.error : null, late, retry: () => void query.refetch() };
}
