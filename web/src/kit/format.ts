/** Numbers, times and sizes as the reader's language, the configured calendar and the configured zone have them. */
import { useTranslation } from 'react-i18next';
import { useCurrent } from '@/app/session/session';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const RELATIVE: readonly (readonly [limit: number, unit: Intl.RelativeTimeFormatUnit, size: number])[] = [
  [MINUTE, 'second', SECOND],
  [HOUR, 'minute', MINUTE],
  [DAY, 'hour', HOUR],
  [30 * DAY, 'day', DAY],
  [365 * DAY, 'month', 30 * DAY],
  [Number.POSITIVE_INFINITY, 'year', 365 * DAY],
];

export interface Format {
  /** BCP 47 tag with calendar and digits. */
  locale: string;
  calendar: 'gregorian' | 'jalali';
  timezone: string;
  number: (value: number, options?: Intl.NumberFormatOptions) => string;
  percent: (share: number) => string;
  /** Bytes as kB, MB, GB. */
  bytes: (count: number) => string;
  /** Times are milliseconds since the epoch. */
  date: (at: number) => string;
  time: (at: number) => string;
  dateTime: (at: number) => string;
  /** "3 minutes ago", "in 2 hours". */
  relative: (at: number, now?: number) => string;
  /** 75000 → "1:15", 3675000 → "1:01:15". */
  duration: (ms: number) => string;
  list: (items: readonly string[]) => string;
}

export function makeFormat(language: string, calendar: string, timezone: string): Format {
  const jalali = calendar === 'jalali';
  const base = language === 'fa' ? 'fa-IR' : 'en-GB';
  const digits = language === 'fa' ? 'arabext' : 'latn';
  const locale = `${base}-u-ca-${jalali ? 'persian' : 'gregory'}-nu-${digits}`;
  const dated = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone: timezone, hourCycle: 'h23', ...options });
  const plain = new Intl.NumberFormat(locale);
  const two = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false });
  const day: Intl.DateTimeFormatOptions = { year: 'numeric', month: 'short', day: 'numeric' };
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit' };
  // "AP" after each Jalali year tells nothing to whoever chose that calendar.
  const withoutEra = (format: Intl.DateTimeFormat) => (at: number) =>
    format
      .formatToParts(at)
      .filter((part) => part.type !== 'era')
      .map((part) => part.value)
      .join('')
      .replace(/\s+(?=[,،]|$)/g, '')
      .trim();
  const date = withoutEra(dated(day));
  const time = withoutEra(dated(clock));
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const list = new Intl.ListFormat(locale, { type: 'conjunction' });
  const comma = language === 'fa' ? '، ' : ', ';
  return {
    locale,
    calendar: jalali ? 'jalali' : 'gregorian',
    timezone,
    number: (value, options) => (options ? new Intl.NumberFormat(locale, options) : plain).format(value),
    percent: (share) =>
      new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }).format(share),
    bytes: (count) => {
      const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
      const power = Math.min(units.length - 1, count > 0 ? Math.floor(Math.log10(count) / 3) : 0);
      return new Intl.NumberFormat(locale, {
        style: 'unit',
        unit: units[power],
        // Persian has no short ones.
        unitDisplay: language === 'fa' ? 'long' : 'short',
        maximumFractionDigits: count / 1000 ** power < 10 && power > 0 ? 1 : 0,
      }).format(count / 1000 ** power);
    },
    date,
    time,
    dateTime: (at) => `${date(at)}${comma}${time(at)}`,
    relative: (at, now = Date.now()) => {
      const away = at - now;
      const [, unit, size] = RELATIVE.find(([limit]) => Math.abs(away) < limit) ?? [0, 'year', 365 * DAY];
      return relative.format(Math.trunc(away / size), unit as Intl.RelativeTimeFormatUnit);
    },
    duration: (ms) => {
      const seconds = Math.max(0, Math.floor(ms / SECOND));
      const hours = Math.floor(seconds / 3600);
      const minutes = Math.floor((seconds % 3600) / 60);
      const rest = two.format(seconds % 60);
      return hours > 0
        ? `${plain.format(hours)}:${two.format(minutes)}:${rest}`
        : `${plain.format(minutes)}:${rest}`;
    },
    list: (items) => list.format(items),
  };
}

// Formatters are costly to make, and every row of a list asks for them.
const made = new Map<string, Format>();

/** The formats of this reader. */
export function useFormat(): Format {
  const { i18n } = useTranslation();
  const { calendar, timezone } = useCurrent();
  const key = `${i18n.language} ${calendar} ${timezone}`;
  let format = made.get(key);
  if (format === undefined) {
    format = makeFormat(i18n.language, calendar, timezone);
    made.set(key, format);
  }
  return format;
}
