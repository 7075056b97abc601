/** Calls in progress, as the live stream tells them. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { AnswerOf, RowOf } from '@/api/client';
import { useLive, useLiveState } from '@/api/live';
import { useRead } from '@/api/queries';

export type LiveCall = AnswerOf<'/calls/current'>['calls'][number];
export type LiveParty = LiveCall['caller'];
export type LiveStep = LiveCall['story'][number];
export type CallRecord = RowOf<'/calls/recent'>;

/** So long a call that has ended stays in the list, so that one sees how it ended. */
const LINGER = 4_000;
/** So many ended calls keep their story while the page is open. */
const REMEMBERED = 100;
/** Without a live stream. */
const POLL = 3_000;

interface Known {
  engineReady: boolean;
  /** In progress, by id. */
  calls: ReadonlyMap<string, LiveCall>;
}

export interface LiveCalls {
  engineReady: boolean;
  /** In progress, and those that ended a moment ago; `undefined` until the first news. */
  rows: readonly LiveCall[] | undefined;
  /** How many are in progress. */
  count: number;
  /** A call in progress, or one that ended while the page was open. */
  find: (id: string) => LiveCall | undefined;
}

/** Watches all calls. */
export function useLiveCalls(): LiveCalls {
  const connection = useLiveState();
  const [known, setKnown] = useState<Known | null>(null);
  const [lingering, setLingering] = useState<readonly LiveCall[]>([]);
  const ended = useRef(new Map<string, LiveCall>());
  const timers = useRef(new Set<ReturnType<typeof setTimeout>>());

  useEffect(() => {
    const running = timers.current;
    return () => running.forEach(clearTimeout);
  }, []);

  const noteEnded = (calls: readonly LiveCall[]) => {
    for (const call of calls) remember(ended.current, call);
    setLingering((now) => [...now.filter(({ id }) => !calls.some((call) => call.id === id)), ...calls]);
    const timer = setTimeout(() => {
      timers.current.delete(timer);
      setLingering((now) => now.filter((call) => !calls.includes(call)));
    }, LINGER);
    timers.current.add(timer);
  };

  useLive(['calls'], (message) => {
    if (message.kind === 'snapshot') {
      const { engine_ready: engineReady, calls } = message.data;
      setKnown({ engineReady, calls: new Map(calls.map((call) => [call.id, call])) });
      return;
    }
    const over = message.data.calls.filter((call) => call.state === 'ended');
    setKnown((now) => {
      if (now === null) return now;
      const calls = new Map(now.calls);
      for (const call of message.data.calls) {
        if (call.state === 'ended') calls.delete(call.id);
        else calls.set(call.id, call);
      }
      return { ...now, calls };
    });
    if (over.length > 0) noteEnded(over);
  });

  // Where the stream cannot be had, looking again and again has to do.
  const polled = useRead('/calls/current', undefined, { enabled: connection === 'lost', every: POLL });
  const told = useMemo<Known | null>(() => {
    if (connection !== 'lost' || polled.data === undefined) return known;
    const { engine_ready: engineReady, calls } = polled.data;
    return { engineReady, calls: new Map(calls.map((call) => [call.id, call])) };
  }, [connection, polled.data, known]);

  const rows = useMemo(() => {
    if (told === null) return undefined;
    const over = lingering.filter((call) => !told.calls.has(call.id));
    return [...told.calls.values(), ...over].sort((one, other) => other.started_at - one.started_at);
  }, [told, lingering]);

  const find = useCallback((id: string) => told?.calls.get(id) ?? ended.current.get(id), [told]);
  return { engineReady: told?.engineReady ?? true, rows, count: told?.calls.size ?? 0, find };
}

function remember(ended: Map<string, LiveCall>, call: LiveCall): void {
  ended.delete(call.id);
  ended.set(call.id, call);
  const oldest = ended.keys().next().value;
  if (ended.size > REMEMBERED && oldest !== undefined) ended.delete(oldest);
}
