/** The time of day for things on screen that grow older by themselves; all of them tick together. */
import { useSyncExternalStore } from 'react';

interface Ticker {
  now: number;
  timer: ReturnType<typeof setInterval> | undefined;
  listeners: Set<() => void>;
  subscribe: (listener: () => void) => () => void;
  current: () => number;
}

const tickers = new Map<number, Ticker>();

function tickerOf(period: number): Ticker {
  const known = tickers.get(period);
  if (known !== undefined) return known;
  const ticker: Ticker = {
    now: Date.now(),
    timer: undefined,
    listeners: new Set(),
    subscribe: (listener) => {
      ticker.listeners.add(listener);
      if (ticker.timer === undefined) {
        ticker.now = Date.now();
        ticker.timer = setInterval(() => {
          ticker.now = Date.now();
          for (const one of ticker.listeners) one();
        }, period);
      }
      return () => {
        ticker.listeners.delete(listener);
        if (ticker.listeners.size === 0) {
          clearInterval(ticker.timer);
          ticker.timer = undefined;
        }
      };
    },
    // Without a running timer the moment of the first look stands, renewed when somebody subscribes.
    current: () => ticker.now,
  };
  tickers.set(period, ticker);
  return ticker;
}

const never = () => () => {};
const fixed = Date.now();

/** Milliseconds since the epoch, renewed every `period` milliseconds; `null`: never. */
export function useClock(period: number | null): number {
  const ticker = period === null ? null : tickerOf(period);
  return useSyncExternalStore(ticker?.subscribe ?? never, ticker?.current ?? (() => fixed));
}
