/** Entries of the activity log in words. */
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { PAGES } from '@/app/pages';

export type Entry = RowOf<'/activity/list'>;

/** In place of a page: signing in, signing out, one's own password. */
export const SESSION = 'session';

/** A value before and after. */
export interface Difference {
  /** Dotted name. */
  name: string;
  before: unknown;
  after: unknown;
}

/** What differs between both sides of an entry; everything where only one side is there. */
export function differencesOf({ before, after }: Pick<Entry, 'before' | 'after'>): readonly Difference[] {
  const old = flat(before);
  const young = flat(after);
  return [...new Set([...old.keys(), ...young.keys()])]
    .map((name) => ({ name, before: old.get(name), after: young.get(name) }))
    .filter((one) => JSON.stringify(one.before) !== JSON.stringify(one.after));
}

function flat(facts: unknown, prefix = ''): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [name, value] of Object.entries(facts ?? {})) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [inner, deep] of flat(value, `${prefix}${name}.`)) found.set(inner, deep);
    } else found.set(prefix + name, value);
  }
  return found;
}

/** Pages and actions by name; what has no text is shown as it is. */
export function useEntryTexts() {
  const { t, i18n } = useTranslation('activity');
  const { t: shared } = useTranslation();
  const pageText = useCallback(
    (page: string) => {
      if (page === SESSION) return t('session');
      return PAGES.some((one) => one.id === page) ? shared(`page.${page}.title`) : page;
    },
    [t, shared],
  );
  const actionText = useCallback(
    (action: string) => (i18n.exists(`activity:action.${action}`) ? t(`action.${action}`) : action),
    [t, i18n],
  );
  const nameText = useCallback(
    (name: string) => (i18n.exists(`activity:fact.${name}`) ? t(`fact.${name}`) : undefined),
    [t, i18n],
  );
  return { pageText, actionText, nameText };
}
