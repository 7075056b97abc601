import { IconMicrophone } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { useFormat } from '@/kit/format';
import { Nothing } from '@/kit/KeyValue';
import type { Column } from '@/kit/table/columns';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';
import { PhoneStateBadge } from '@/pbx/PhoneStateBadge';
import classes from './users.module.css';

type UserRow = RowOf<'/pbx/users/list'>;

/** Columns of the list of extensions. */
export const COLUMNS: readonly Column<UserRow>[] = [
  {
    id: 'number',
    width: 100,
    sortable: true,
    fixed: true,
    card: 'title',
    cell: (row) => <PhoneNumber>{row.number}</PhoneNumber>,
  },
  { id: 'name', width: 170, grow: true, sortable: true, cell: (row) => <Name>{row.name}</Name> },
  { id: 'state', width: 130, card: 'beside', cell: (row) => <PhoneStateBadge state={row.state} /> },
  { id: 'context', width: 140, sortable: true, cell: (row) => <Name>{row.context}</Name> },
  { id: 'queues', width: 110, cell: (row) => <Queues numbers={row.queues} /> },
  {
    id: 'mapped',
    width: 85,
    card: 'none',
    cell: (row) => (row.mapped === null ? <Nothing /> : <PhoneNumber>{row.mapped}</PhoneNumber>),
  },
  { id: 'call_record', width: 100, card: 'none', cell: (row) => <Recorded on={row.call_record} /> },
  { id: 'user_type', width: 90, hidden: true, cell: (row) => row.user_type },
  {
    id: 'email',
    width: 200,
    hidden: true,
    cell: (row) => (row.email === '' ? <Nothing /> : <Name>{row.email}</Name>),
  },
  {
    id: 'updated_at',
    width: 150,
    sortable: true,
    hidden: true,
    align: 'end',
    cell: (row) => <TimeText at={row.updated_at} as="relative" />,
  },
];

function Queues({ numbers }: { numbers: readonly string[] }) {
  const format = useFormat();
  return numbers.length === 0 ? <Nothing /> : <bdi>{format.list(numbers)}</bdi>;
}

function Recorded({ on }: { on: boolean }) {
  const { t } = useTranslation('users');
  if (!on) return <Nothing />;
  return <IconMicrophone className={classes.icon} size={16} role="img" aria-label={t('recorded')} />;
}
