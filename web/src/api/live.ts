/**
 * What changes on screen by itself: one WebSocket per tab, shared by everything that watches.
 *
 * A snapshot replaces what a handler knows of a topic and may come at any time; a change adds to it.
 */
import { useEffect, useEffectEvent, useSyncExternalStore } from 'react';
import { type AnswerOf, API, type RowOf } from './client';

type LiveCall = AnswerOf<'/calls/current'>['calls'][number];
type ApiLogRow = RowOf<'/api_log/list'>;
type UserRow = RowOf<'/pbx/users/list'>;
type TrunkRow = RowOf<'/pbx/trunks/list'>;
type QueueRow = RowOf<'/pbx/queues/list'>;
type Empty = Record<string, never>;

interface Topics {
  calls: { snapshot: { engine_ready: boolean; calls: LiveCall[] }; change: { calls: LiveCall[] } };
  phones: {
    snapshot: Empty;
    change: { phones: Record<string, Pick<UserRow, 'registered' | 'state'>> };
  };
  trunks: {
    snapshot: Empty;
    change: { trunks: Record<string, Pick<TrunkRow, 'state' | 'registration' | 'calls'>> };
  };
  queues: {
    snapshot: Empty;
    change: {
      queues: Record<
        string,
        Pick<QueueRow, 'members' | 'available' | 'paused' | 'waiting' | 'longest_wait_since'>
      >;
    };
  };
  api_log: { snapshot: { last_id: number }; change: { rows: ApiLogRow[] } };
  engine: { snapshot: { ready: boolean }; change: { ready: boolean } };
}

export type Topic = keyof Topics;

/** A message of one of the topics T. */
export type LiveMessage<T extends Topic> = {
  [K in T]:
    | { topic: K; kind: 'snapshot'; data: Topics[K]['snapshot'] }
    | { topic: K; kind: 'change'; data: Topics[K]['change'] };
}[T];

/** `lost`: there was a connection and it is being made again. */
export type LiveState = 'idle' | 'connecting' | 'connected' | 'lost';

interface Watcher {
  topics: ReadonlySet<string>;
  handle: (message: LiveMessage<Topic>) => void;
}

const SESSION_ENDED = 4401;
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 15_000;

class LiveConnection {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private state: LiveState = 'idle';
  private readonly watchers = new Set<Watcher>();
  private readonly listeners = new Set<() => void>();
  private sendSoon: ReturnType<typeof setTimeout> | undefined;
  /** Topics that somebody new watches: they need a snapshot, whoever else watches them already. */
  private readonly fresh = new Set<string>();

  onSessionEnded: () => void = () => {};
  /** Asked when no connection can be made; the browser does not tell why. */
  onRefused: () => void = () => {};

  constructor() {
    window.addEventListener('online', () => this.retryNow());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retryNow();
    });
  }

  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    for (const topic of watcher.topics) this.fresh.add(topic);
    if (this.socket !== null) this.sendTopicsSoon();
    else if (this.timer === undefined || this.state === 'idle') this.connect();
    return () => {
      this.watchers.delete(watcher);
      if (this.watchers.size === 0) this.close();
      else if (this.socket !== null) this.sendTopicsSoon();
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  current = (): LiveState => this.state;

  /** Ends the connection, such as after signing out. */
  close(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    this.failures = 0;
    // One that is still being made closes itself when it is there: browsers complain about it before.
    if (socket?.readyState === WebSocket.OPEN) socket.close();
    this.change('idle');
  }

  private sendTopicsSoon(): void {
    // A page that is left and the one that is entered come together.
    clearTimeout(this.sendSoon);
    this.sendSoon = setTimeout(() => this.sendTopics(), 0);
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.state !== 'lost') this.change('connecting');
    const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${window.location.host}${API}/stream`);
    this.socket = socket;
    socket.onopen = () => {
      if (this.socket !== socket) {
        socket.close();
        return;
      }
      this.failures = 0;
      this.fresh.clear();
      this.send(this.topics());
      this.change('connected');
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      if (this.socket === socket) this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      if (event.code === SESSION_ENDED) {
        this.change('idle');
        this.onSessionEnded();
        return;
      }
      this.failures += 1;
      if (this.state !== 'connected') this.onRefused();
      this.change('lost');
      const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.failures - 1));
      this.timer = setTimeout(() => this.connect(), delay * (0.75 + Math.random() / 2));
    };
  }

  private retryNow(): void {
    if (this.state === 'lost' && this.socket === null && this.watchers.size > 0) this.connect();
  }

  private receive(text: string): void {
    const message = JSON.parse(text) as LiveMessage<Topic> | { topic: 'session'; kind: 'ended' };
    if (message.topic === 'session') return; // the close code that follows says the same
    for (const watcher of this.watchers) {
      if (watcher.topics.has(message.topic)) watcher.handle(message);
    }
  }

  private topics(): string[] {
    return [...new Set([...this.watchers].flatMap((watcher) => [...watcher.topics]))].sort();
  }

  private sendTopics(): void {
    const wanted = this.topics();
    // A topic that is left and taken again is told from its snapshot on.
    if (this.fresh.size > 0) this.send(wanted.filter((topic) => !this.fresh.has(topic)));
    this.fresh.clear();
    this.send(wanted);
  }

  private send(topics: string[]): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ watch: topics }));
  }

  private change(state: LiveState): void {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

export const live = new LiveConnection();

/** Watches topics as long as the component is there. The handler may change from render to render. */
export function useLive<T extends Topic>(
  topics: readonly T[],
  handler: (message: LiveMessage<T>) => void,
): void {
  const handle = useEffectEvent((message: LiveMessage<Topic>) => handler(message as LiveMessage<T>));
  const wanted = topics.join(' ');
  useEffect(
    () =>
      live.watch({
        topics: new Set(wanted.split(' ').filter(Boolean)),
        handle: (message) => handle(message),
      }),
    [wanted],
  );
}

/** How the live connection is. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(live.subscribe, live.current);
}
