import type { RowOf } from '@/api/client';
import { useFormat } from '@/kit/format';
import { Nothing } from '@/kit/KeyValue';
import type { Column } from '@/kit/table/columns';
import { Code } from '@/kit/text/Code';
import { Name } from '@/kit/text/Name';
import { TimeText } from '@/kit/text/TimeText';
import { RegistrationBadge, TrunkStateBadge } from './badges';

type TrunkRow = RowOf<'/pbx/trunks/list'>;

/** Columns of the list of trunks. */
export const COLUMNS: readonly Column<TrunkRow>[] = [
  {
    id: 'name',
    width: 180,
    grow: true,
    sortable: true,
    fixed: true,
    card: 'title',
    cell: (row) => <Name>{row.name}</Name>,
  },
  { id: 'state', width: 150, card: 'beside', cell: (row) => <TrunkStateBadge state={row.state} /> },
  {
    id: 'registration',
    width: 140,
    cell: (row) =>
      row.registration === 'none' ? <Nothing /> : <RegistrationBadge registration={row.registration} />,
  },
  { id: 'calls', width: 80, align: 'end', cell: (row) => <Count of={row.calls} /> },
  {
    id: 'host',
    width: 150,
    sortable: true,
    cell: (row) => (row.host === '' ? <Nothing /> : <Code>{row.host}</Code>),
  },
  { id: 'context', width: 150, sortable: true, cell: (row) => <Name>{row.context}</Name> },
  { id: 'trunk_type', width: 90, hidden: true, cell: (row) => row.trunk_type },
  {
    id: 'updated_at',
    width: 150,
    sortable: true,
    hidden: true,
    align: 'end',
    cell: (row) => <TimeText at={row.updated_at} as="relative" />,
  },
];

function Count({ of }: { of: number }) {
  const format = useFormat();
  return of === 0 ? <Nothing /> : format.number(of);
}
