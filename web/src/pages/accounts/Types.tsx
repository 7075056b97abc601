import { IconEye, IconPencil, IconTrash, IconUserCog } from '@tabler/icons-react';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useFormat } from '@/kit/format';
import { StateBadge } from '@/kit/StateBadge';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column, RowAction } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { useKnownRows } from '@/kit/table/useKnownRows';
import { Name } from '@/kit/text/Name';
import { useWrite } from '@/kit/write';
import type { AccountType } from './rights';
import { useTypeTexts } from './typeTexts';

const LIST = '/account_types/list';
const PAGE = 'maintenance.accounts';
const rowId = (type: AccountType) => type.id;

/** Account types: what the accounts of each may see and do. */
export function Types({ onOpen }: { onOpen: (id: string) => void }) {
  const { t } = useTranslation('accounts');
  const format = useFormat();
  const texts = useTypeTexts();
  const mayUpdate = useMay()(PAGE, 'update');
  const { data, error, refetch } = useRead(LIST);
  const retry = useCallback(() => void refetch(), [refetch]);
  const source = useKnownRows({ rows: data?.rows, error, retry });
  const [asked, setAsked] = useState<AccountType | null>(null);
  const open = useCallback((type: AccountType) => onOpen(type.id), [onOpen]);

  const { title, description } = texts;
  const columns = useMemo<readonly Column<AccountType>[]>(
    () => [
      {
        id: 'title',
        width: 180,
        fixed: true,
        card: 'title',
        cell: (type) => <Name>{title(type)}</Name>,
      },
      { id: 'description', width: 260, grow: true, cell: (type) => <Name>{description(type)}</Name> },
      {
        id: 'builtin',
        width: 140,
        card: 'beside',
        cell: (type) => (
          <StateBadge
            tone={type.builtin ? 'info' : 'idle'}
            label={t(type.builtin ? 'types.ours' : 'types.own')}
          />
        ),
      },
      {
        id: 'pages',
        width: 90,
        align: 'end',
        cell: (type) => format.number(Object.keys(type.rights).length),
      },
      { id: 'accounts', width: 110, align: 'end', cell: (type) => format.number(type.accounts) },
    ],
    [t, format, title, description],
  );
  const actions = useCallback(
    (type: AccountType): RowAction[] => {
      const look = {
        label: t(mayUpdate ? 'edit' : 'look'),
        icon: mayUpdate ? <IconPencil size={16} /> : <IconEye size={16} />,
        onClick: () => open(type),
      };
      if (!mayUpdate || type.builtin) return [look];
      return [
        look,
        {
          label: t('types.remove'),
          icon: <IconTrash size={16} />,
          danger: true,
          onClick: () => setAsked(type),
        },
      ];
    },
    [t, mayUpdate, open],
  );
  return (
    <>
      <DataTable
        id="account-types"
        label={t('types.list')}
        source={source}
        columns={columns}
        rowId={rowId}
        onOpen={open}
        actions={actions}
        empty={<EmptyState icon={IconUserCog} title={t('types.empty')} />}
      />
      {asked !== null && asked.accounts === 0 && <RemoveType type={asked} onClose={() => setAsked(null)} />}
      {asked !== null && asked.accounts > 0 && <TypeInUse type={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

/** Asks before a type goes. */
function RemoveType({ type, onClose }: { type: AccountType; onClose: () => void }) {
  const { t } = useTranslation('accounts');
  const remove = useWrite('/account_types/remove', {
    refresh: [LIST],
    done: t('types.removed'),
    onDone: onClose,
    onFailed: onClose,
  });
  return (
    <ConfirmDialog
      opened
      title={t('types.removeAsk', { title: type.title })}
      confirm={t('types.remove')}
      danger
      busy={remove.isPending}
      onConfirm={() => remove.mutate({ id: type.id })}
      onClose={onClose}
    >
      {t('types.removeText')}
    </ConfirmDialog>
  );
}

/** Says that a type cannot go, and leads to those who have it. */
function TypeInUse({ type, onClose }: { type: AccountType; onClose: () => void }) {
  const { t } = useTranslation('accounts');
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      opened
      title={t('types.inUseTitle', { title: type.title })}
      confirm={t('types.showAccounts')}
      cancel={t('types.leave')}
      onConfirm={() => void navigate(`/maintenance/accounts?search=${encodeURIComponent(type.title)}`)}
      onClose={onClose}
    >
      {t('types.inUseText', { count: type.accounts })}
    </ConfirmDialog>
  );
}
