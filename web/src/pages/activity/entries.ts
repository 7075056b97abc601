/** Entries of the activity log in words. */
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { PAGES } from '@/app/pages';
import { useAccountTypeTitle } from '@/app/session/accountType';

export type Entry = RowOf<'/activity/list'>;

/** In place of a page: signing in, signing out, one's own password. */
export const SESSION = 'session';

/** A value before and after. */
export interface Difference {
  changed: boolean;
  /** Dotted name. */
  name: string;
  before: unknown;
  after: unknown;
}

/** Every value of an entry, with what it was and what it became. */
export function differencesOf({ before, after }: Pick<Entry, 'before' | 'after'>): readonly Difference[] {
  const old = flat(before);
  const young = flat(after);
  return [...new Set([...old.keys(), ...young.keys()])].map((name) => ({
    name,
    before: old.get(name),
    after: young.get(name),
    changed: JSON.stringify(old.get(name)) !== JSON.stringify(young.get(name)),
  }));
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
  return { pageText, actionText };
}

const RIGHTS = 'rights.';

/** Names of an entry's values as its page calls them in its forms, and what choices are called there. */
export function useFactTexts(page: string) {
  const { t, i18n } = useTranslation('activity');
  const { t: shared } = useTranslation();
  const typeTitle = useAccountTypeTitle();
  const namespace = PAGES.find((one) => one.id === page)?.folder ?? 'activity';
  // What is not fetched yet is named as it is stored until then.
  const { t: there } = useTranslation([namespace, 'accounts'], { useSuspense: false });
  const found = (key: string) => (i18n.exists(key) ? there(key) : undefined);
  return {
    /** The name, if it has one in words. */
    name: (name: string): string | undefined => {
      if (name.startsWith(RIGHTS)) return shared(`page.${name.slice(RIGHTS.length)}.title`);
      const last = name.split('.').at(-1);
      return (
        found(`${namespace}:field.${name}.label`) ??
        (i18n.exists(`activity:fact.${last}`) ? t(`fact.${last}`) : found(`${namespace}:field.${last}.label`))
      );
    },
    /** What a choice is called. */
    value: (name: string, value: string): string => {
      if (name.startsWith(RIGHTS)) return found(`accounts:rights.${value}`) ?? value;
      const last = name.split('.').at(-1);
      // The log has titles; those of the types that come with the product are their names.
      if (last === 'account_type') return typeTitle(value.toLowerCase(), value);
      return found(`${namespace}:option.${last}.${value}`) ?? value;
    },
  };
}
