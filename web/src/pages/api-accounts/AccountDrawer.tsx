import { Text } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { AnswerOf, DoneOf } from '@/api/client';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection } from '@/kit/form/FormSection';
import { ChipsField, RadioField, SwitchField, TextField } from '@/kit/form/fields';
import { type KitForm, useKitForm } from '@/kit/form/form';
import { PasswordField } from '@/kit/form/PasswordField';
import { Note } from '@/kit/Note';
import { useWrite } from '@/kit/write';
import type { Auth } from './curl';
import { PermissionField } from './PermissionField';
import { emptyPatterns, normalised, type Services, treeOf } from './permissions';

export type AccountRow = AnswerOf<'/api_accounts/get'>;
export type Secrets = DoneOf<'/api_accounts/add'>;

/** Whether there are secrets to be kept: the dialog that shows them says enough. */
export function hasNews({ password, token }: Secrets): boolean {
  return password !== null || token !== null;
}

/** What a form of an account holds. */
export interface AccountValues {
  username: string;
  enabled: boolean;
  auth: Auth;
  password: string;
  permissions: string[];
}

const NEW: AccountValues = { username: '', enabled: true, auth: 'basic', password: '', permissions: [] };
const REQUIRED = ['username'] as const;
/** As the server has it: no control characters, spaces or colons. */
const USERNAME = /^[^\p{Cc}\s:]{1,64}$/u;

const LIST = ['/api_accounts/list', '/api_accounts/get', '/api_log/filters'] as const;

interface DrawerProps {
  onClose: () => void;
  /** Told what was made or changed, and the secrets that are new. */
  onSaved: (secrets: Secrets, saved: AccountValues) => void;
}

function useAccountForm(loaded?: AccountValues): KitForm<AccountValues> {
  const { t } = useTranslation('api-accounts');
  return useKitForm<AccountValues>({
    initial: NEW,
    loaded,
    required: REQUIRED,
    validate: ({ username, permissions }) => ({
      ...(!USERNAME.test(username) && { username: t('error.invalid_username') }),
      ...(permissions.length === 0 && { permissions: t('error.missing_permissions') }),
    }),
  });
}

/** Adding an account. */
export function AddAccount({ onClose, onSaved }: DrawerProps) {
  const { t } = useTranslation('api-accounts');
  const form = useAccountForm();
  const services = useRead('/api_accounts/services');
  const add = useWrite('/api_accounts/add', {
    form,
    refresh: LIST,
    done: (made) => (hasNews(made) ? undefined : t('added', { name: made.username })),
    onDone: (made) => {
      onClose();
      onSaved(made, form.values);
    },
  });
  return (
    <FormDrawer
      title={t('add')}
      form={form}
      query={services}
      busy={add.isPending}
      submit={t('addSubmit')}
      size={640}
      onClose={onClose}
      onSubmit={({ auth, password, ...values }) =>
        add.mutate({ ...values, auth, password: auth === 'token' ? '' : password })
      }
    >
      {services.data !== undefined && <Fields form={form} services={services.data} readOnly={false} />}
    </FormDrawer>
  );
}

/** Changing an account, or looking at it. */
export function EditAccount({ id, onClose, onSaved }: DrawerProps & { id: string }) {
  const { t } = useTranslation('api-accounts');
  const readOnly = !useMay()('maintenance.api_accounts', 'update');
  const account = useRead('/api_accounts/get', { id });
  const services = useRead('/api_accounts/services');
  const row = account.data;
  const loaded = useMemo(
    () =>
      row && {
        username: row.username,
        enabled: row.enabled,
        auth: row.auth,
        password: '',
        permissions: row.permissions,
      },
    [row],
  );
  const form = useAccountForm(loaded);
  const save = useWrite('/api_accounts/update', {
    form,
    refresh: LIST,
    done: (saved) => (hasNews(saved) ? undefined : t('saved', { name: saved.username })),
    onDone: (saved) => {
      onClose();
      onSaved(saved, form.values);
    },
  });
  return (
    <FormDrawer
      title={row === undefined ? t('edit') : t('editTitle', { name: row.username })}
      form={form}
      query={account.isSuccess ? services : account}
      busy={save.isPending}
      readOnly={readOnly}
      size={640}
      onClose={onClose}
      onSubmit={(values) => {
        if (row !== undefined) save.mutate({ id, ...changesOf(row, values) });
      }}
    >
      {services.data !== undefined && (
        <Fields form={form} services={services.data} readOnly={readOnly} stored={row} />
      )}
    </FormDrawer>
  );
}

/** What differs, so that nothing is put back that somebody else changed meanwhile. */
function changesOf(row: AccountRow, values: AccountValues): Partial<AccountValues> {
  const { username, enabled, auth, password, permissions } = values;
  return {
    ...(username !== row.username && { username }),
    ...(enabled !== row.enabled && { enabled }),
    ...(auth !== row.auth && { auth }),
    ...(auth !== 'token' && password !== '' && { password }),
    ...(permissions.join() !== row.permissions.join() && { permissions }),
  };
}

interface FieldsProps {
  form: KitForm<AccountValues>;
  services: Services;
  readOnly: boolean;
  /** The account as it is, when it is there already. */
  stored?: AccountRow;
}

function Fields({ form, services, readOnly, stored }: FieldsProps) {
  const { t } = useTranslation('api-accounts');
  const { auth, permissions } = form.values;
  const root = useMemo(() => treeOf(services), [services]);
  const nothing = emptyPatterns(permissions.map(normalised), root);
  return (
    <>
      <FormSection name="account">
        <TextField name="username" ltr maxLength={64} />
        <SwitchField name="enabled" values={[true, false]} />
      </FormSection>
      <FormSection name="auth">
        <RadioField name="auth" choices={['basic', 'token', 'both']} />
        {auth !== 'token' && !readOnly && (
          <PasswordField
            name="password"
            strength
            generate
            help={t(
              stored === undefined || stored.auth === 'token'
                ? 'field.password.helpNew'
                : 'field.password.helpKeep',
            )}
          />
        )}
        <SecretNews form={form} stored={stored} />
      </FormSection>
      <FormSection name="permissions">
        <PermissionField name="permissions" services={services} readOnly={readOnly} />
      </FormSection>
      <FormSection name="patterns" advanced>
        <ChipsField
          name="permissions"
          label={t('field.patterns.label')}
          help={t('field.patterns.help')}
          disabled={readOnly}
        />
        {nothing.length > 0 && (
          <Note tone="warn" title={t('patternsOfNothing')}>
            <Text component="span" size="sm" dir="ltr">
              {nothing.join(', ')}
            </Text>
          </Note>
        )}
      </FormSection>
    </>
  );
}

/** Tells before saving that a token will be made, and which secrets will stop working. */
function SecretNews({ form, stored }: { form: KitForm<AccountValues>; stored: AccountRow | undefined }) {
  const { t } = useTranslation('api-accounts');
  const { auth, password } = form.values;
  const had = { password: stored && stored.auth !== 'token', token: stored && stored.auth !== 'basic' };
  const makesToken = auth !== 'basic' && !had.token;
  const ends = [
    ...(had.password && (auth === 'token' || password !== '') ? ['password'] : []),
    ...(had.token && auth === 'basic' ? ['token'] : []),
  ];
  if (!makesToken && ends.length === 0) return null;
  return (
    <Note tone={ends.length > 0 ? 'warn' : 'info'}>
      {makesToken && <div>{t('makesToken')}</div>}
      {ends.length > 0 && <div>{t(`ends.${ends.join('_')}`)}</div>}
    </Note>
  );
}
