import { createContext, useContext, useMemo } from 'react';
import { useTranslation } from 'react-i18next';

export interface PageFacts {
  /** Where its name and explanation are found: `page.<id>`. */
  id: string;
  /** Namespace of its texts. */
  namespace: string;
}

const PageContext = createContext<PageFacts>({ id: '', namespace: 'app' });

export const PageProvider = PageContext.Provider;

/** The page that a part of the kit stands on. */
export function usePage(): PageFacts {
  return useContext(PageContext);
}

/** Texts of the page that a part of the kit stands on; parts find labels in it by convention. */
export function usePageTexts() {
  const { namespace } = usePage();
  const { t, i18n } = useTranslation(namespace);
  return useMemo(
    () => ({
      /** The text of a key that must be there. */
      text: (key: string): string => t(key),
      /** The text of a key, if there is one. */
      textIfAny: (key: string): string | undefined => {
        const found: unknown = i18n.exists(`${namespace}:${key}`) ? t(key) : undefined;
        return typeof found === 'string' ? found : undefined;
      },
    }),
    [t, i18n, namespace],
  );
}
