import { IconLock } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/kit/states/EmptyState';
import { useAccountTypeTitle } from './session/accountType';
import { useSession } from './session/session';

/** Instead of a page that the account type does not show. */
export function Forbidden() {
  const { t } = useTranslation();
  const session = useSession();
  const typeTitle = useAccountTypeTitle();
  return (
    <EmptyState
      icon={IconLock}
      level={1}
      title={t('forbidden.title')}
      text={t('forbidden.text', { type: typeTitle(session.account_type, session.account_type_title) })}
      home
    />
  );
}
