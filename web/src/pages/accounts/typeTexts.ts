/** Names and explanations of account types: those that come with the product have them in each language. */
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useAccountTypeTitle } from '@/app/session/accountType';
import type { AccountType } from './rights';

export interface TypeTexts {
  title: (type: Pick<AccountType, 'name' | 'title'>) => string;
  description: (type: Pick<AccountType, 'name' | 'description'>) => string;
}

export function useTypeTexts(): TypeTexts {
  const { t, i18n } = useTranslation('accounts');
  const titleOf = useAccountTypeTitle();
  return useMemo(
    () => ({
      title: ({ name, title }) => titleOf(name, title),
      description: ({ name, description }) =>
        i18n.exists(`accounts:builtin.${name}`) ? t(`builtin.${name}`) : description,
    }),
    [t, i18n, titleOf],
  );
}
