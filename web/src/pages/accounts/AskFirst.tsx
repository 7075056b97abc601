import { useTranslation } from 'react-i18next';
import { useSession } from '@/app/session/session';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useWrite } from '@/kit/write';
import type { Account } from './AccountForm';

const REFRESH = ['/accounts/list', '/accounts/get', '/account_types/list'] as const;

/** What is to be done with an account, if somebody says yes. */
export interface Question {
  act: 'password' | 'totp' | 'cut' | 'remove';
  account: Account;
}

export interface AskFirstProps {
  question: Question;
  onSecret: (username: string, password: string) => void;
  onClose: () => void;
}

/** Asks before an account's way in is changed, and then changes it. */
export function AskFirst({ question: { act, account }, onSecret, onClose }: AskFirstProps) {
  const { t } = useTranslation('accounts');
  const { account_id: own } = useSession();
  const options = { refresh: REFRESH, onDone: onClose, onFailed: onClose } as const;
  const password = useWrite('/accounts/reset_password', {
    ...options,
    onDone: (answer) => {
      onClose();
      onSecret(account.username, answer.password);
    },
  });
  const totp = useWrite('/accounts/reset_totp', { ...options, done: t('done.totp') });
  const cut = useWrite('/accounts/cut_access', { ...options, done: t('done.cut') });
  const remove = useWrite('/accounts/remove', { ...options, done: t('done.remove') });
  const chosen = { password, totp, cut, remove }[act];
  return (
    <ConfirmDialog
      opened
      title={t(`act.${act}.ask`, { name: account.username })}
      confirm={t(`act.${act}.do`)}
      danger={act === 'remove'}
      busy={chosen.isPending}
      onConfirm={() => chosen.mutate({ id: account.id })}
      onClose={onClose}
    >
      {t(`act.${act}.text`)}
      {account.id === own && <p>{t('signsYouOut')}</p>}
    </ConfirmDialog>
  );
}
