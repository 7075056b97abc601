import type { AnswerOf } from '@/api/client';

export type Settings = AnswerOf<'/settings/simotel_api'>;
export type Values = Settings['defaults'];
export type UsedAddress = Settings['used_today'][number];
export type LockedOut = AnswerOf<'/settings/check_addresses'>['locked_out'][number];

/** The values of the form out of what was read. */
export function valuesOf(settings: Settings): Values {
  return Object.fromEntries(
    Object.keys(settings.defaults).map((name) => [name, settings[name as keyof Values]]),
  ) as unknown as Values;
}

/** What differs, so that nothing is put back that somebody else changed meanwhile. */
export function changesOf(before: Values, after: Values): Partial<Values> {
  return Object.fromEntries(
    Object.entries(after).filter(([name, value]) => !isSame(value, before[name as keyof Values])),
  );
}

/** Whether two values of a setting are the same. */
export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
