/**
 * Spans of time that lists are filtered by. As text, for the page's address: the name of a preset, or
 * `<since>-<until>` in milliseconds; empty is any time.
 */
import { today } from '@internationalized/date';
import { useMemo } from 'react';
import { useCurrent } from '@/app/session/session';

export const PRESETS = ['hour', 'today', 'yesterday', 'week', 'month'] as const;
export type Preset = (typeof PRESETS)[number];

export interface TimeRange {
  /** Milliseconds since the epoch; open when `undefined`. */
  since?: number;
  until?: number;
}

const HOUR = 3_600_000;
const WEEK = 7;
const MONTH = 30;

export function isPreset(text: string): text is Preset {
  return (PRESETS as readonly string[]).includes(text);
}

/** The text of a span between two moments. */
export function rangeText(since: number, until: number): string {
  return `${since}-${until}`;
}

/** Two moments of a text that names them. */
export function momentsOf(text: string): { since: number; until: number } | null {
  const found = /^(\d{1,16})-(\d{1,16})$/.exec(text);
  return found === null ? null : { since: Number(found[1]), until: Number(found[2]) };
}

/** What a text means now; days begin in the configured zone. A text that means nothing is any time. */
export function rangeOf(text: string, timezone: string): TimeRange {
  const day = (back: number) => today(timezone).subtract({ days: back }).toDate(timezone).getTime();
  switch (text) {
    case 'hour':
      return { since: Date.now() - HOUR };
    case 'today':
      return { since: day(0) };
    case 'yesterday':
      return { since: day(1), until: day(0) - 1 };
    case 'week':
      return { since: day(WEEK - 1) };
    case 'month':
      return { since: day(MONTH - 1) };
    default:
      return momentsOf(text) ?? {};
  }
}

/** {@link rangeOf} for filters: it stays what it is until another span is chosen. */
export function useTimeRange(text: string): TimeRange {
  const { timezone } = useCurrent();
  return useMemo(() => rangeOf(text, timezone), [text, timezone]);
}
