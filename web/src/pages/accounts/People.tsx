import {
  IconActivity,
  IconEye,
  IconKey,
  IconLogout,
  IconPencil,
  IconShieldOff,
  IconTrash,
  IconUserShield,
} from '@tabler/icons-react';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useMay, useSession } from '@/app/session/session';
import { useFormat } from '@/kit/format';
import { Nothing } from '@/kit/KeyValue';
import { StateBadge, type Tone } from '@/kit/StateBadge';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column, RowAction } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { useList } from '@/kit/table/useList';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import type { Account } from './AccountForm';
import { AskFirst, type Question } from './AskFirst';
import classes from './accounts.module.css';
import { useTypeTexts } from './typeTexts';

const PAGE = 'maintenance.accounts';
const ACTIVITY = 'maintenance.activity';
const SORTING = { column: 'username', descending: false } as const;
const rowId = (account: Account) => account.id;

export interface PeopleProps {
  onOpen: (id: string) => void;
  /** A password was generated. */
  onSecret: (username: string, password: string) => void;
}

/** People who may sign in. */
export function People({ onOpen, onSecret }: PeopleProps) {
  const { t } = useTranslation('accounts');
  const may = useMay();
  const mayUpdate = may(PAGE, 'update');
  const mayActivity = may(ACTIVITY, 'read');
  const { account_id: own } = useSession();
  const navigate = useNavigate();
  const source = useList('/accounts/list', { sorting: SORTING });
  const columns = useColumns();
  const [question, setQuestion] = useState<Question | null>(null);
  const open = useCallback((account: Account) => onOpen(account.id), [onOpen]);

  const actions = useCallback(
    (account: Account): RowAction[] => {
      const isOwn = account.id === own;
      const ask = (act: Question['act'], icon: RowAction['icon'], more: Partial<RowAction> = {}) => ({
        label: t(`act.${act}.do`),
        icon,
        onClick: () => setQuestion({ act, account }),
        ...more,
      });
      return [
        {
          label: t(mayUpdate ? 'edit' : 'look'),
          icon: mayUpdate ? <IconPencil size={16} /> : <IconEye size={16} />,
          onClick: () => open(account),
        },
        ...(mayActivity
          ? [
              {
                label: t('activity'),
                icon: <IconActivity size={16} />,
                onClick: () =>
                  void navigate(`/maintenance/activity?account=${encodeURIComponent(account.username)}`),
              },
            ]
          : []),
        ...(mayUpdate
          ? [
              ask('password', <IconKey size={16} />, { disabled: isOwn }),
              ask('totp', <IconShieldOff size={16} />, { disabled: isOwn || !account.totp }),
              ask('cut', <IconLogout size={16} />, { disabled: account.sessions === 0 }),
              ask('remove', <IconTrash size={16} />, { danger: true, disabled: isOwn }),
            ]
          : []),
      ];
    },
    [t, own, mayUpdate, mayActivity, navigate, open],
  );
  return (
    <>
      <DataTable
        id="accounts"
        label={t('list')}
        source={source}
        columns={columns}
        rowId={rowId}
        onOpen={open}
        actions={actions}
        empty={<EmptyState icon={IconUserShield} title={t('empty')} />}
      />
      {question !== null && (
        <AskFirst question={question} onSecret={onSecret} onClose={() => setQuestion(null)} />
      )}
    </>
  );
}

function useColumns(): readonly Column<Account>[] {
  const { t } = useTranslation('accounts');
  const format = useFormat();
  const { title } = useTypeTexts();
  const { account_id: own } = useSession();
  return useMemo(
    () => [
      {
        id: 'username',
        width: 170,
        sortable: true,
        fixed: true,
        card: 'title',
        cell: (row) => (
          <span className={classes.username}>
            <Name>{row.username}</Name>
            {row.id === own && <span className={classes.own}>{t('you')}</span>}
          </span>
        ),
      },
      {
        id: 'name',
        width: 140,
        grow: true,
        sortable: true,
        cell: (row) => (row.name === '' ? <Nothing /> : <Name>{row.name}</Name>),
      },
      {
        id: 'account_type',
        width: 130,
        sortable: true,
        cell: (row) => <Name>{title({ name: row.account_type, title: row.account_type_title })}</Name>,
      },
      {
        id: 'state',
        width: 130,
        card: 'beside',
        cell: (row) => {
          const state = stateOf(row);
          return (
            <StateBadge tone={TONES[state]} label={t(`state.${state}`)} hint={t(`stateHint.${state}`)} />
          );
        },
      },
      {
        id: 'totp',
        width: 120,
        cell: (row) => t(row.totp ? 'on' : 'off'),
      },
      { id: 'sessions', width: 90, align: 'end', cell: (row) => format.number(row.sessions) },
      {
        id: 'last_sign_in_at',
        width: 136,
        sortable: true,
        cell: (row) =>
          row.last_sign_in_at === null ? <Nothing /> : <TimeText at={row.last_sign_in_at} as="relative" />,
      },
      {
        id: 'expires_at',
        width: 180,
        hidden: true,
        cell: (row) => (row.expires_at === null ? <Nothing /> : <TimeText at={row.expires_at} />),
      },
      {
        id: 'created_at',
        width: 180,
        hidden: true,
        sortable: true,
        cell: (row) => <TimeText at={row.created_at} />,
      },
    ],
    [t, format, title, own],
  );
}

type State = 'enabled' | 'invited' | 'disabled' | 'expired';

const TONES: Record<State, Tone> = { enabled: 'ok', invited: 'info', disabled: 'off', expired: 'warn' };

function stateOf({ enabled, expires_at, must_change_password }: Account): State {
  if (!enabled) return 'disabled';
  if (expires_at !== null && expires_at <= Date.now()) return 'expired';
  return must_change_password ? 'invited' : 'enabled';
}
