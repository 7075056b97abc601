import { Anchor } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { RowOf } from '@/api/client';
import { useRead } from '@/api/queries';
import { useSession } from '@/app/session/session';
import { DateTimeField } from '@/kit/dates/DateTimeField';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection } from '@/kit/form/FormSection';
import { SelectField, SwitchField, TextField } from '@/kit/form/fields';
import { useFormAround, useKitForm } from '@/kit/form/form';
import { PasswordField } from '@/kit/form/PasswordField';
import { KeyValue } from '@/kit/KeyValue';
import { Note } from '@/kit/Note';
import { TimeText } from '@/kit/text/TimeText';
import { useWrite } from '@/kit/write';
import { type AccountType, useMayGrant } from './rights';
import { useTypeTexts } from './typeTexts';

export type Account = RowOf<'/accounts/list'>;

const REFRESH = ['/accounts/list', '/accounts/get', '/account_types/list'] as const;
/** As the service has it: no expiry. */
const NEVER = 0;

interface Values {
  username: string;
  name: string;
  account_type: string;
  password: string;
  enabled: boolean;
  expires_at: number | null;
}

const BLANK: Values = {
  username: '',
  name: '',
  account_type: '',
  password: '',
  enabled: true,
  expires_at: null,
};

export interface AddAccountProps {
  onClose: () => void;
  /** The password when it was generated. */
  onAdded: (username: string, password: string | null) => void;
}

/** Makes an account. Its password is generated, or is to be changed at the first sign-in. */
export function AddAccount({ onClose, onAdded }: AddAccountProps) {
  const { t } = useTranslation('accounts');
  const types = useRead('/account_types/list');
  const form = useKitForm({
    initial: BLANK,
    required: ['username', 'account_type'],
    validate: ({ username }) => (/\s/.test(username) ? { username: t('error.invalid_username') } : {}),
  });
  const add = useWrite('/accounts/add', {
    form,
    refresh: REFRESH,
    onDone: ({ password }, { username }) => onAdded(username, password),
  });
  return (
    <FormDrawer
      title={t('addTitle')}
      submit={t('add')}
      form={form}
      query={types}
      busy={add.isPending}
      onClose={onClose}
      onSubmit={({ enabled: _, expires_at, ...values }) =>
        add.mutate({ ...values, expires_at: expires_at ?? NEVER })
      }
    >
      <FormSection name="account">
        <TextField name="username" ltr maxLength={64} first />
        <TextField name="name" maxLength={80} />
        <TypeField types={types.data?.rows ?? []} />
      </FormSection>
      <FormSection name="more" advanced>
        <PasswordField name="password" strength generate />
        <DateTimeField name="expires_at" />
      </FormSection>
    </FormDrawer>
  );
}

export interface EditAccountProps {
  id: string;
  readOnly: boolean;
  onClose: () => void;
}

/** Changes an account. */
export function EditAccount({ id, readOnly, onClose }: EditAccountProps) {
  const { t } = useTranslation('accounts');
  const { account_id: own } = useSession();
  const types = useRead('/account_types/list');
  const query = useRead('/accounts/get', { id });
  const account = query.data;
  const loaded = useMemo(() => account && valuesOf(account), [account]);
  const form = useKitForm({
    initial: BLANK,
    loaded,
    required: ['account_type'],
  });
  const update = useWrite('/accounts/update', {
    form,
    refresh: REFRESH,
    done: t('saved'),
    onDone: onClose,
  });
  const type = types.data?.rows.find((one) => one.name === account?.account_type);
  const mayGrant = useMayGrant();
  const beyond = type !== undefined && !mayGrant(type.rights);
  const isOwn = id === own;
  return (
    <FormDrawer
      title={account === undefined ? t('edit') : t('editTitle', { name: account.username })}
      form={form}
      query={query.isSuccess ? types : query}
      busy={update.isPending}
      readOnly={readOnly || beyond}
      onClose={onClose}
      onSubmit={({ name, account_type, enabled, expires_at }) =>
        update.mutate({ id, name, account_type, enabled, expires_at: expires_at ?? NEVER })
      }
    >
      {beyond && !readOnly && <Note tone="warn">{t('error.more_rights')}</Note>}
      {isOwn && !readOnly && (
        <Note>
          {t('ownAccount')}
          <div>
            <Anchor component={Link} to="/profile" size="sm">
              {t('toProfile')}
            </Anchor>
          </div>
        </Note>
      )}
      <FormSection name="account">
        <TextField name="username" ltr disabled />
        <TextField name="name" maxLength={80} />
        <TypeField types={types.data?.rows ?? []} now={account?.account_type} disabled={isOwn} />
        <SwitchField name="enabled" values={[true, false]} disabled={isOwn} />
        <DateTimeField name="expires_at" disabled={isOwn} />
      </FormSection>
      {account !== undefined && (
        <KeyValue
          items={[
            [t('column.totp'), t(account.totp ? 'on' : 'off')],
            [
              t('column.last_sign_in_at'),
              account.last_sign_in_at !== null && <TimeText key="at" at={account.last_sign_in_at} />,
            ],
            [t('column.created_at'), <TimeText key="made" at={account.created_at} />],
          ]}
        />
      )}
    </FormDrawer>
  );
}

function valuesOf({ username, name, account_type, enabled, expires_at }: Account): Values {
  return { username, name, account_type, password: '', enabled, expires_at };
}

interface TypeFieldProps {
  types: readonly AccountType[];
  /** The one that it is. */
  now?: string;
  disabled?: boolean;
}

/** Which type; what it is for stands below it. Types with more rights than one's own cannot be given. */
function TypeField({ types, now, disabled }: TypeFieldProps) {
  const { t } = useTranslation('accounts');
  const texts = useTypeTexts();
  const mayGrant = useMayGrant();
  const { values } = useFormAround();
  const chosen = types.find((type) => type.name === values.account_type);
  return (
    <SelectField
      name="account_type"
      disabled={disabled}
      choices={types
        .filter((type) => type.name === now || mayGrant(type.rights))
        .map((type) => ({ value: type.name, label: texts.title(type) }))}
      help={(chosen && texts.description(chosen)) || t('field.account_type.help')}
    />
  );
}
