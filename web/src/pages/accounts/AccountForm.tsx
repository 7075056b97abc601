import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { useRead } from '@/api/queries';
import { DateTimeField } from '@/kit/dates/DateTimeField';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection } from '@/kit/form/FormSection';
import { SelectField, SwitchField, TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { useWrite } from '@/kit/write';

export type Account = RowOf<'/accounts/list'>;

/** As the service has it: no expiry. */
const NEVER = 0;

export interface AccountFormProps {
  /** `null`: a new one. */
  account: Account | null;
  readOnly: boolean;
  onClose: () => void;
  onAdded: (username: string, password: string | null) => void;
}

/** Adds an account, whose password is generated, or changes one. */
export function AccountForm({ account, readOnly, onClose, onAdded }: AccountFormProps) {
  const { t } = useTranslation('accounts');
  const types = useRead('/account_types/list');
  const form = useKitForm({
    initial: {
      username: account?.username ?? '',
      name: account?.name ?? '',
      account_type: account?.account_type ?? '',
      enabled: account?.enabled ?? true,
      expires_at: account?.expires_at ?? null,
    },
    required: ['username', 'account_type'],
    validate: ({ username }) => (/\s/.test(username) ? { username: t('noBlanks') } : {}),
  });
  const add = useWrite('/accounts/add', {
    form,
    refresh: ['/accounts/list', '/account_types/list'],
    onDone: ({ password }, { username }) => {
      onClose();
      onAdded(username, password);
    },
  });
  const update = useWrite('/accounts/update', {
    form,
    refresh: ['/accounts/list', '/account_types/list'],
    done: t('saved'),
    onDone: onClose,
  });
  return (
    <FormDrawer
      title={account === null ? t('addTitle') : t('editTitle', { name: account.username })}
      form={form}
      query={types}
      busy={add.isPending || update.isPending}
      readOnly={readOnly}
      onClose={onClose}
      onSubmit={({ username, enabled, expires_at, ...values }) => {
        const expiry = expires_at ?? NEVER;
        if (account === null) add.mutate({ ...values, username, password: '', expires_at: expiry });
        else update.mutate({ ...values, id: account.id, enabled, expires_at: expiry });
      }}
    >
      <FormSection name="account">
        <TextField name="username" ltr disabled={account !== null} maxLength={64} />
        <TextField name="name" maxLength={80} />
        <SelectField
          name="account_type"
          choices={(types.data?.rows ?? []).map((type) => ({ value: type.name, label: type.title }))}
        />
        {account !== null && <SwitchField name="enabled" values={[true, false]} />}
        <DateTimeField name="expires_at" />
      </FormSection>
    </FormDrawer>
  );
}
