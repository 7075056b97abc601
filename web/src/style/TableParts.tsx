import { Button, SegmentedControl, Select } from '@mantine/core';
import { IconPencil, IconPlus, IconTrash, IconUsers } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { ApiError } from '@/api/errors';
import { notify } from '@/kit/notify';
import { StateBadge } from '@/kit/StateBadge';
import { EmptyState } from '@/kit/states/EmptyState';
import type { Column, RowAction } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import type { RowSource, Sorting } from '@/kit/table/source';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';

interface Sample {
  id: string;
  number: string;
  name: string;
  registered: boolean;
  context: string;
  email: string;
  changed: number;
}

const NAMES = ['Anna Schmidt', 'مریم احمدی', '<script>alert(1)</script>', 'John O’Neill', 'رضا', ''];
const START = Date.now();
const ROWS: readonly Sample[] = Array.from({ length: 10_000 }, (_, at) => ({
  id: String(at),
  number: String(1000 + at),
  name: NAMES[at % NAMES.length] ?? '',
  registered: at % 3 !== 0,
  context: at % 5 === 0 ? 'international_calls_of_the_management' : 'main_routing',
  email: `user${at}@example.com`,
  changed: START - at * 600_000,
}));

const COLUMNS: readonly Column<Sample>[] = [
  {
    id: 'number',
    width: 110,
    sortable: true,
    fixed: true,
    card: 'title',
    cell: (row) => <PhoneNumber>{row.number}</PhoneNumber>,
  },
  { id: 'name', width: 180, grow: true, sortable: true, cell: (row) => <Name>{row.name}</Name> },
  {
    id: 'state',
    width: 150,
    card: 'beside',
    cell: (row) => (
      <StateBadge tone={row.registered ? 'ok' : 'off'} label={row.registered ? 'Registered' : 'Away'} />
    ),
  },
  { id: 'context', width: 170, sortable: true, cell: (row) => <Name>{row.context}</Name> },
  { id: 'email', width: 200, hidden: true, cell: (row) => <Name>{row.email}</Name> },
  {
    id: 'changed',
    width: 150,
    sortable: true,
    align: 'end',
    cell: (row) => <TimeText at={row.changed} as="relative" />,
  },
];

const actions = (row: Sample): readonly RowAction[] => [
  { label: 'Edit', icon: <IconPencil size={16} />, onClick: () => notify.done(`Edit ${row.number}`) },
  {
    label: 'Remove',
    icon: <IconTrash size={16} />,
    onClick: () => notify.failed(`Remove ${row.number}`),
    danger: true,
  },
];

type Mode = 'rows' | 'loading' | 'empty' | 'error' | 'waiting';

function useSampleSource(mode: Mode): RowSource<Sample> {
  const [search, setSearch] = useState('');
  const [sorting, setSorting] = useState<Sorting>({ column: 'number', descending: false });
  const rows = useMemo(() => {
    if (mode === 'empty') return [];
    const found = ROWS.filter((row) => `${row.number} ${row.name}`.includes(search));
    const by = sorting.column as keyof Sample;
    found.sort((a, b) => String(a[by]).localeCompare(String(b[by])) * (sorting.descending ? -1 : 1));
    return found;
  }, [mode, search, sorting]);
  return useMemo(
    () => ({
      count: rows.length,
      total: mode === 'loading' ? null : rows.length,
      rowAt: (index: number) => rows[index],
      show: () => {},
      loading: mode === 'loading',
      outdated: false,
      error: mode === 'error' ? new ApiError(503, 'engine_away', 'away') : null,
      retry: () => {},
      collect: async (atMost: number) => rows.slice(0, atMost),
      search,
      setSearch,
      sorting,
      setSorting,
      waiting: mode === 'waiting' ? 12 : 0,
      showWaiting: () => {},
      setAtTop: () => {},
    }),
    [rows, mode, search, sorting],
  );
}

export function TableParts() {
  const [mode, setMode] = useState<Mode>('rows');
  const [registered, setRegistered] = useState<string | null>('all');
  const source = useSampleSource(mode);
  return (
    <>
      <SegmentedControl
        aria-label="What is in the table"
        value={mode}
        onChange={(value) => setMode(value as Mode)}
        data={['rows', 'loading', 'empty', 'error', 'waiting']}
      />
      <DataTable
        id="style"
        label="Samples"
        source={source}
        columns={COLUMNS}
        rowId={(row) => row.id}
        onOpen={(row) => notify.done(`Open ${row.number}`)}
        actions={actions}
        filters={
          <Select
            aria-label="Registered"
            data={['all', 'yes', 'no']}
            value={registered}
            onChange={setRegistered}
            w={140}
          />
        }
        bulk={(ids, clear) => (
          <Button size="compact-sm" color="red.8" onClick={clear}>
            Remove {ids.length}
          </Button>
        )}
        empty={
          <EmptyState icon={IconUsers} title="No extensions yet" text="Add the first one to be able to call.">
            <Button leftSection={<IconPlus size={16} />}>Add</Button>
          </EmptyState>
        }
      />
    </>
  );
}
