import { Anchor, Button, Switch } from '@mantine/core';
import {
  IconApi,
  IconKey,
  IconPencil,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlus,
  IconTerminal2,
  IconTrash,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useLive } from '@/api/live';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useDrawer } from '@/kit/drawer';
import { useFormat } from '@/kit/format';
import { PageHeader } from '@/kit/PageHeader';
import { SecretOnce } from '@/kit/SecretOnce';
import { StateBadge } from '@/kit/StateBadge';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column, RowAction } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { useList, usePatchRows } from '@/kit/table/useList';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import { useWrite } from '@/kit/write';
import { type AccountRow, AddAccount, EditAccount, hasNews, type Secrets } from './AccountDrawer';
import { EVERYTHING } from './permissions';
import { type TriedAccount, TryIt, TryItDrawer } from './TryIt';

const PAGE = 'maintenance.api_accounts';
const LOGS = 'maintenance.api_logs';
const CHANGED = ['/api_accounts/list', '/api_accounts/get'] as const;
/** As the server counts refusals. */
const REFUSED = [401, 403];
const SORTING = { column: 'username', descending: false } as const;

/** Secrets that are new, and the account they are of. */
interface News {
  secrets: Secrets;
  account: TriedAccount;
}

interface Question {
  what: 'remove' | 'password' | 'token' | 'both';
  account: AccountRow;
}

export default function ApiAccounts() {
  const { t } = useTranslation('api-accounts');
  const may = useMay();
  const mayUpdate = may(PAGE, 'update');
  const mayLogs = may(LOGS, 'read');
  const source = useList('/api_accounts/list', { sorting: SORTING });
  const adding = useDrawer('add');
  const editing = useDrawer('edit');
  const trying = useDrawer('try');
  const [news, setNews] = useState<News | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  useCountsOfToday(mayLogs);

  const { mutate: change } = useWrite('/api_accounts/update', {
    refresh: CHANGED,
    done: (account, { enabled }) => t(enabled ? 'enabled' : 'disabled', { name: account.username }),
  });
  const rotate = useWrite('/api_accounts/rotate', {
    refresh: CHANGED,
    onDone: (secrets) => {
      if (question !== null) tell(secrets, question.account);
      setQuestion(null);
    },
    onFailed: () => setQuestion(null),
  });
  const remove = useWrite('/api_accounts/remove', {
    refresh: [...CHANGED, '/api_log/filters'],
    done: () => t('removed', { name: question?.account.username }),
    onDone: () => setQuestion(null),
    onFailed: () => setQuestion(null),
  });

  const tell = (secrets: Secrets, account: TriedAccount) => {
    if (hasNews(secrets)) setNews({ secrets, account });
  };

  const columns = useColumns({
    mayUpdate,
    mayLogs,
    onEnabled: useCallback((id: string, enabled: boolean) => change({ id, enabled }), [change]),
  });
  const { open: openTry } = trying;
  const { open: openEdit } = editing;
  const actions = (row: AccountRow): RowAction[] => {
    const icon = 16;
    const tryIt = {
      label: t('tryIt'),
      icon: <IconTerminal2 size={icon} />,
      onClick: () => openTry(row.id),
    };
    if (!mayUpdate) return [tryIt];
    return [
      { label: t('edit'), icon: <IconPencil size={icon} />, onClick: () => openEdit(row.id) },
      tryIt,
      ...secretsOf(row).map((what) => ({
        label: t(`rotate.${what}.action`),
        icon: <IconKey size={icon} />,
        onClick: () => setQuestion({ what, account: row }),
      })),
      {
        label: t(row.enabled ? 'disable' : 'enable'),
        icon: row.enabled ? <IconPlayerPause size={icon} /> : <IconPlayerPlay size={icon} />,
        onClick: () => change({ id: row.id, enabled: !row.enabled }),
      },
      {
        label: t('remove'),
        icon: <IconTrash size={icon} />,
        onClick: () => setQuestion({ what: 'remove', account: row }),
        danger: true,
      },
    ];
  };

  const addButton = (
    <Button leftSection={<IconPlus size={16} aria-hidden="true" />} onClick={() => adding.open('1')}>
      {t('add')}
    </Button>
  );
  return (
    <>
      <PageHeader>{mayUpdate && addButton}</PageHeader>
      <DataTable
        id="api-accounts"
        label={t('listed')}
        source={source}
        columns={columns}
        rowId={(row) => row.id}
        onOpen={(row) => editing.open(row.id)}
        actions={actions}
        empty={
          <EmptyState icon={IconApi} title={t('emptyTitle')} text={t('emptyText')}>
            {mayUpdate && addButton}
          </EmptyState>
        }
      />
      {adding.value !== null && mayUpdate && (
        <AddAccount onClose={adding.close} onSaved={(secrets, account) => tell(secrets, account)} />
      )}
      {editing.value !== null && (
        <EditAccount
          key={editing.value}
          id={editing.value}
          onClose={editing.close}
          onSaved={(secrets, account) => tell(secrets, account)}
        />
      )}
      {trying.value !== null && <TryItById id={trying.value} onClose={trying.close} />}
      {question !== null && question.what === 'remove' && (
        <ConfirmDialog
          opened
          danger
          title={t('removeTitle', { name: question.account.username })}
          confirm={t('remove')}
          busy={remove.isPending}
          onConfirm={() => remove.mutate({ id: question.account.id })}
          onClose={() => setQuestion(null)}
        >
          {t('removeText')}
        </ConfirmDialog>
      )}
      {question !== null && question.what !== 'remove' && (
        <ConfirmDialog
          opened
          title={t(`rotate.${question.what}.title`, { name: question.account.username })}
          confirm={t(`rotate.${question.what}.confirm`)}
          busy={rotate.isPending}
          onConfirm={() => {
            if (question.what !== 'remove') rotate.mutate({ id: question.account.id, what: question.what });
          }}
          onClose={() => setQuestion(null)}
        >
          {t(`rotate.${question.what}.text`)}
        </ConfirmDialog>
      )}
      {news !== null && (
        <SecretOnce
          title={t('secretsTitle', { name: news.secrets.username })}
          secrets={[
            ...(news.secrets.password === null
              ? []
              : [{ label: t('field.password.label'), value: news.secrets.password }]),
            ...(news.secrets.token === null ? [] : [{ label: t('token'), value: news.secrets.token }]),
          ]}
          onClose={() => setNews(null)}
        >
          <TryIt
            account={{ ...news.account, username: news.secrets.username }}
            password={news.secrets.password}
            token={news.secrets.token}
          />
        </SecretOnce>
      )}
    </>
  );
}

/** The secrets that an account's mode has, and both at once where it has both. */
function secretsOf({ auth }: AccountRow): ('password' | 'token' | 'both')[] {
  if (auth === 'basic') return ['password'];
  return auth === 'token' ? ['token'] : ['password', 'token', 'both'];
}

/** The account that the page's address names. */
function TryItById({ id, onClose }: { id: string; onClose: () => void }) {
  const { data } = useRead('/api_accounts/get', { id });
  return data === undefined ? null : <TryItDrawer account={data} onClose={onClose} />;
}

/** Keeps "last used" and the counts of today up to date by what the API log tells. */
function useCountsOfToday(mayLogs: boolean): void {
  const patch = usePatchRows('/api_accounts/list');
  const queries = useQueryClient();
  const began = useRef(false);
  useLive(mayLogs ? ['api_log'] : [], (message) => {
    if (message.kind === 'snapshot') {
      // What was told before is in what was read; what came while nothing was told is not.
      if (began.current) void queries.invalidateQueries({ queryKey: ['/api_accounts/list'] });
      began.current = true;
      return;
    }
    patch((row) => {
      const own = message.data.rows.filter(
        (request) => request.account === row.username && request.id > row.counted_to,
      );
      if (own.length === 0) return row;
      return {
        ...row,
        last_used_at: Math.max(row.last_used_at ?? 0, ...own.map((request) => request.at)),
        requests_today: row.requests_today + own.length,
        counted_to: Math.max(...own.map((request) => request.id)),
        refused_today: row.refused_today + own.filter(({ status }) => REFUSED.includes(status)).length,
      };
    });
  });
}

interface ColumnOptions {
  mayUpdate: boolean;
  mayLogs: boolean;
  onEnabled: (id: string, enabled: boolean) => void;
}

function useColumns({ mayUpdate, mayLogs, onEnabled }: ColumnOptions): Column<AccountRow>[] {
  const { t } = useTranslation('api-accounts');
  return useMemo(
    () => [
      {
        id: 'username',
        width: 140,
        grow: true,
        sortable: true,
        fixed: true,
        card: 'title',
        cell: (row) => <Name>{row.username}</Name>,
      },
      {
        id: 'state',
        width: 130,
        card: 'beside',
        cell: (row) => {
          const label = t(row.enabled ? 'state.enabled' : 'state.disabled');
          if (!mayUpdate) return <StateBadge tone={row.enabled ? 'ok' : 'off'} label={label} />;
          return (
            <Switch
              size="sm"
              label={label}
              aria-label={t('stateOf', { state: label, name: row.username })}
              checked={row.enabled}
              onChange={(event) => onEnabled(row.id, event.currentTarget.checked)}
            />
          );
        },
      },
      { id: 'auth', width: 165, cell: (row) => t(`mode.${row.auth}`) },
      { id: 'services', width: 105, cell: (row) => <ServiceCount row={row} /> },
      {
        id: 'last_used_at',
        width: 130,
        sortable: true,
        cell: (row) =>
          row.last_used_at === null ? t('never') : <TimeText at={row.last_used_at} as="relative" />,
      },
      {
        id: 'requests_today',
        width: 130,
        align: 'end',
        cell: (row) => <Count row={row} count={row.requests_today} linked={mayLogs} />,
      },
      {
        id: 'refused_today',
        width: 127,
        align: 'end',
        cell: (row) => <Count row={row} count={row.refused_today} linked={mayLogs} refused />,
      },
      {
        id: 'created_at',
        width: 140,
        sortable: true,
        hidden: true,
        cell: (row) => <TimeText at={row.created_at} as="date" />,
      },
    ],
    [t, mayUpdate, mayLogs, onEnabled],
  );
}

/** How many services an account may call. */
function ServiceCount({ row }: { row: AccountRow }) {
  const format = useFormat();
  const { t } = useTranslation('api-accounts');
  const { permissions, services_total: count, services_allowed: allowed } = row;
  if (permissions.includes(EVERYTHING)) return t('servicesAll', { count });
  return <bdi title={format.list(permissions)}>{t('countOf', { count, allowed })}</bdi>;
}

/** A number of requests, with the way to them. */
function Count({
  row,
  count,
  linked,
  refused = false,
}: {
  row: AccountRow;
  count: number;
  linked: boolean;
  refused?: boolean;
}) {
  const format = useFormat();
  const { t } = useTranslation('api-accounts');
  const text = format.number(count);
  if (count === 0 || !linked) return text;
  const search = new URLSearchParams({
    account: row.username,
    time: 'today',
    ...(refused && { outcome: 'refused' }),
  });
  return (
    <Anchor
      component={Link}
      to={`/maintenance/api-logs?${search}`}
      size="sm"
      c={refused ? 'var(--mantine-color-error)' : undefined}
      aria-label={t(refused ? 'refusedOf' : 'requestsOf', { name: row.username, count })}
    >
      {text}
    </Anchor>
  );
}
