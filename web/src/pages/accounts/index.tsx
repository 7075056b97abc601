import { Button } from '@mantine/core';
import { IconKey, IconLogout, IconPlus, IconShieldOff, IconTrash, IconUserShield } from '@tabler/icons-react';
import { type ReactNode, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/app/session/session';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useFormat } from '@/kit/format';
import { Nothing } from '@/kit/KeyValue';
import { PageHeader } from '@/kit/PageHeader';
import { SecretOnce } from '@/kit/SecretOnce';
import { StateBadge } from '@/kit/StateBadge';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { useList } from '@/kit/table/useList';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import { useWrite } from '@/kit/write';
import { type Account, AccountForm } from './AccountForm';

type Act = 'password' | 'totp' | 'cut' | 'remove';

export default function Page() {
  const { t } = useTranslation('accounts');
  const format = useFormat();
  const mayUpdate = useMay()('maintenance.accounts', 'update');
  const source = useList('/accounts/list', { sorting: { column: 'username', descending: false } });
  const [form, setForm] = useState<{ account: Account | null } | null>(null);
  const [asked, setAsked] = useState<{ act: Act; account: Account } | null>(null);
  const [secret, setSecret] = useState<{ username: string; password: string } | null>(null);
  const close = () => setAsked(null);
  const refresh = ['/accounts/list', '/account_types/list'] as const;
  const reset = useWrite('/accounts/reset_password', {
    refresh,
    onDone: ({ password }) => {
      if (asked !== null) setSecret({ username: asked.account.username, password });
      close();
    },
    onFailed: close,
  });
  const totp = useWrite('/accounts/reset_totp', {
    refresh,
    done: t('done.totp'),
    onDone: close,
    onFailed: close,
  });
  const cut = useWrite('/accounts/cut_access', {
    refresh,
    done: t('done.cut'),
    onDone: close,
    onFailed: close,
  });
  const remove = useWrite('/accounts/remove', {
    refresh,
    done: t('done.remove'),
    onDone: close,
    onFailed: close,
  });
  const does = { password: reset, totp, cut, remove };

  const columns = useMemo<readonly Column<Account>[]>(
    () => [
      {
        id: 'username',
        width: 150,
        sortable: true,
        fixed: true,
        card: 'title',
        cell: (row) => <Name>{row.username}</Name>,
      },
      { id: 'name', width: 170, grow: true, sortable: true, cell: (row) => <Name>{row.name}</Name> },
      {
        id: 'account_type',
        width: 150,
        sortable: true,
        cell: (row) => <Name>{row.account_type_title}</Name>,
      },
      {
        id: 'state',
        width: 130,
        card: 'beside',
        cell: (row) => {
          const state = stateOf(row);
          return <StateBadge tone={state === 'enabled' ? 'ok' : 'off'} label={t(`state.${state}`)} />;
        },
      },
      {
        id: 'totp',
        width: 120,
        cell: (row) => t(row.totp ? 'on' : 'off'),
      },
      { id: 'sessions', width: 110, align: 'end', cell: (row) => format.number(row.sessions) },
      {
        id: 'last_sign_in_at',
        width: 160,
        sortable: true,
        cell: (row) =>
          row.last_sign_in_at === null ? <Nothing /> : <TimeText at={row.last_sign_in_at} as="relative" />,
      },
    ],
    [t, format],
  );

  return (
    <>
      <PageHeader>
        {mayUpdate && (
          <Button leftSection={<IconPlus size={16} />} onClick={() => setForm({ account: null })}>
            {t('add')}
          </Button>
        )}
      </PageHeader>
      <DataTable
        id="accounts"
        label={t('list')}
        source={source}
        columns={columns}
        rowId={(row) => row.id}
        onOpen={(account) => setForm({ account })}
        actions={
          mayUpdate
            ? (account) => [
                act('password', account, <IconKey size={16} />),
                act('totp', account, <IconShieldOff size={16} />, !account.totp),
                act('cut', account, <IconLogout size={16} />, account.sessions === 0),
                { ...act('remove', account, <IconTrash size={16} />), danger: true },
              ]
            : undefined
        }
        empty={<EmptyState icon={IconUserShield} title={t('empty')} />}
      />
      {form !== null && (
        <AccountForm
          account={form.account}
          readOnly={!mayUpdate}
          onClose={() => setForm(null)}
          onAdded={(username, password) => password !== null && setSecret({ username, password })}
        />
      )}
      {asked !== null && (
        <ConfirmDialog
          opened
          title={t(`act.${asked.act}.ask`, { name: asked.account.username })}
          confirm={t(`act.${asked.act}.do`)}
          danger={asked.act === 'remove'}
          busy={does[asked.act].isPending}
          onConfirm={() => does[asked.act].mutate({ id: asked.account.id })}
          onClose={close}
        >
          {t(`act.${asked.act}.text`)}
        </ConfirmDialog>
      )}
      {secret !== null && (
        <SecretOnce
          title={t('secretTitle', { name: secret.username })}
          secrets={[{ label: t('field.password.label'), value: secret.password }]}
          onClose={() => setSecret(null)}
        />
      )}
    </>
  );

  function act(name: Act, account: Account, icon: ReactNode, disabled = false) {
    return { label: t(`act.${name}.do`), icon, disabled, onClick: () => setAsked({ act: name, account }) };
  }
}

function stateOf({ enabled, expires_at }: Account): 'enabled' | 'disabled' | 'expired' {
  if (!enabled) return 'disabled';
  return expires_at !== null && expires_at <= Date.now() ? 'expired' : 'enabled';
}
