import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';

/** Titles of account types: those that come with the product have one in each language, others the one given. */
export function useAccountTypeTitle(): (name: string, title: string) => string {
  const { t, i18n } = useTranslation();
  return useCallback(
    (name, title) => (i18n.exists(`app:accountType.${name}`) ? t(`accountType.${name}`) : title),
    [t, i18n],
  );
}
