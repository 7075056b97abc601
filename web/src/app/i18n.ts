/**
 * Texts. A namespace is `app` (everything shared) or the name of a page's folder; each is loaded in the language
 * that is shown, when it is needed.
 */
import i18next, { type Formatter } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { remember } from './storage';

export const LANGUAGES = ['en', 'fa'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each language's own name. */
export const LANGUAGE_NAMES: Record<Language, string> = { en: 'English', fa: 'فارسی' };

type Texts = { default: Record<string, unknown> };
const files: Record<string, () => Promise<Texts>> = {
  ...import.meta.glob<Texts>('./locales/*.json'),
  ...import.meta.glob<Texts>('../pages/*/locales/*.json'),
  ...import.meta.glob<Texts>('../style/locales/*.json'),
};

export function directionOf(language: Language): 'ltr' | 'rtl' {
  return language === 'fa' ? 'rtl' : 'ltr';
}

/** The language of this browser's choice, as `first.js` found it before anything was painted. */
function firstLanguage(): Language {
  return document.documentElement.lang === 'fa' ? 'fa' : 'en';
}

function fileOf(language: string, namespace: string): (() => Promise<Texts>) | undefined {
  if (namespace === 'app') return files[`./locales/${language}.json`];
  return (
    files[`../pages/${namespace}/locales/${language}.json`] ??
    files[`../${namespace}/locales/${language}.json`]
  );
}

// Numbers in texts have the digits of the language; names and the like keep their own direction: in Persian all of
// them, in English those that are written from right to left.
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const ISOLATE = '\u2068';
const POP = '\u2069';
const inserted = {
  type: 'formatter',
  init() {},
  add() {},
  addCached() {},
  format(value: unknown, _format: string | undefined, language: string | undefined) {
    if (typeof value === 'number') return new Intl.NumberFormat(language).format(value);
    if (typeof value !== 'string' || value === '') return value as string;
    return language === 'fa' || RIGHT_TO_LEFT.test(value) ? `${ISOLATE}${value}${POP}` : value;
  },
} as unknown as Formatter & { type: 'formatter' };

/** Starts translating; resolves when the shared texts are there. */
export async function startI18n(): Promise<void> {
  await i18next
    .use({
      type: 'backend',
      read(language: string, namespace: string, done: (error: unknown, data: unknown) => void) {
        const load = fileOf(language, namespace);
        if (load === undefined) done(new Error(`no texts ${namespace}/${language}`), null);
        else {
          load().then(
            (texts) => done(null, texts.default),
            (error: unknown) => done(error, null),
          );
        }
      },
    })
    .use(inserted)
    .use(initReactI18next)
    .init({
      lng: firstLanguage(),
      supportedLngs: LANGUAGES,
      fallbackLng: false,
      ns: ['app'],
      defaultNS: 'app',
      interpolation: { escapeValue: false, alwaysFormat: true },
      returnNull: false,
    });
}

/** Changes the language of everything, in this browser from now on. */
export async function changeLanguage(language: Language): Promise<void> {
  remember('language', language);
  await i18next.changeLanguage(language);
}
