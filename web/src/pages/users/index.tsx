import { Button } from '@mantine/core';
import {
  IconDeviceMobile,
  IconEye,
  IconPencil,
  IconPlus,
  IconTrash,
  IconUserPlus,
  IconUsers,
} from '@tabler/icons-react';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { useMay } from '@/app/session/session';
import { useDrawer } from '@/kit/drawer';
import { useFilters } from '@/kit/filters';
import { PageHeader } from '@/kit/PageHeader';
import { EmptyState } from '@/kit/states/EmptyState';
import type { RowAction } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { FilterSelect } from '@/kit/table/FilterSelect';
import { useList } from '@/kit/table/useList';
import { AddRange } from './AddRange';
import { AddUser } from './AddUser';
import { ChangeUsers } from './ChangeUsers';
import { COLUMNS } from './columns';
import { EditUser } from './EditUser';
import { useLivePhones } from './livePhones';
import { PhoneCard } from './PhoneCard';
import { RemoveUsers } from './RemoveUsers';

type UserRow = RowOf<'/pbx/users/list'>;

/** What is done to chosen rows. `name` of the one row that was chosen by its menu. */
type Task = { what: 'change' | 'remove'; ids: readonly string[]; name: string | null; clear: () => void };

const ANY = ['all', 'yes', 'no'] as const;

/** A filter's value; the address of a page can hold anything. */
function anyOr(value: string): (typeof ANY)[number] {
  return ANY.find((known) => known === value) ?? 'all';
}

const rowId = (row: UserRow) => row.id;

export default function Page() {
  const { t } = useTranslation('users');
  const mayUpdate = useMay()('pbx.users', 'update');
  const [filters, setFilters, filtered] = useFilters({ registered: 'all', active: 'all' });
  const source = useList('/pbx/users/list', {
    filters: { registered: anyOr(filters.registered), active: anyOr(filters.active) },
    sorting: { column: 'number', descending: false },
  });
  useLivePhones(anyOr(filters.registered) !== 'all');

  const add = useDrawer('add');
  const range = useDrawer('range');
  const edit = useDrawer('edit');
  const phone = useDrawer('phone');
  const [task, setTask] = useState<Task | null>(null);
  const over = useCallback(() => setTask(null), []);

  const { open: openEdit } = edit;
  const { open: openPhone } = phone;
  const onOpen = useCallback((row: UserRow) => openEdit(row.id), [openEdit]);
  const actions = useCallback(
    (row: UserRow): readonly RowAction[] => [
      {
        label: t(mayUpdate ? 'edit' : 'view'),
        icon: mayUpdate ? <IconPencil size={16} /> : <IconEye size={16} />,
        onClick: () => openEdit(row.id),
      },
      {
        label: t('phone.open'),
        icon: <IconDeviceMobile size={16} />,
        onClick: () => openPhone(row.id),
      },
      ...(mayUpdate
        ? [
            {
              label: t('remove'),
              icon: <IconTrash size={16} />,
              danger: true,
              onClick: () =>
                setTask({ what: 'remove', ids: [row.id], name: `${row.number} ${row.name}`, clear: over }),
            },
          ]
        : []),
    ],
    [t, mayUpdate, openEdit, openPhone, over],
  );

  const bulk = useMemo(
    () =>
      mayUpdate
        ? (ids: readonly string[], clear: () => void) => (
            <>
              <Button
                variant="default"
                size="compact-md"
                leftSection={<IconPencil size={16} />}
                onClick={() => setTask({ what: 'change', ids, name: null, clear })}
              >
                {t('change')}
              </Button>
              <Button
                color="red.8"
                size="compact-md"
                leftSection={<IconTrash size={16} />}
                onClick={() => setTask({ what: 'remove', ids, name: null, clear })}
              >
                {t('remove')}
              </Button>
            </>
          )
        : undefined,
    [mayUpdate, t],
  );

  const buttons = mayUpdate && (
    <>
      <Button variant="default" leftSection={<IconUsers size={16} />} onClick={() => range.open('1')}>
        {t('addRange')}
      </Button>
      <Button leftSection={<IconPlus size={16} />} onClick={() => add.open('1')}>
        {t('add')}
      </Button>
    </>
  );

  return (
    <>
      <PageHeader>{buttons}</PageHeader>
      <DataTable
        id="users"
        label={t('list')}
        source={source}
        columns={COLUMNS}
        rowId={rowId}
        onOpen={onOpen}
        actions={actions}
        bulk={bulk}
        filtered={filtered}
        filters={
          <>
            <FilterSelect
              label={t('filter.registered.label')}
              choices={ANY.map((value) => ({ value, label: t(`filter.registered.${value}`) }))}
              value={anyOr(filters.registered)}
              width={190}
              onChange={(registered) => setFilters({ registered })}
            />
            <FilterSelect
              label={t('filter.active.label')}
              choices={ANY.map((value) => ({ value, label: t(`filter.active.${value}`) }))}
              value={anyOr(filters.active)}
              onChange={(active) => setFilters({ active })}
            />
          </>
        }
        empty={
          <EmptyState
            icon={IconUserPlus}
            title={t('empty.title')}
            text={t(mayUpdate ? 'empty.text' : 'empty.readOnly')}
          >
            {buttons}
          </EmptyState>
        }
      />
      {mayUpdate && add.value !== null && (
        <AddUser onClose={add.close} onAdded={(id) => phone.open(id, 'add')} />
      )}
      {mayUpdate && range.value !== null && <AddRange onClose={range.close} />}
      {edit.value !== null && (
        <EditUser
          key={edit.value}
          id={edit.value}
          onClose={edit.close}
          onPhone={() => phone.open(edit.value ?? '', 'edit')}
        />
      )}
      {phone.value !== null && <PhoneCard key={phone.value} id={phone.value} onClose={phone.close} />}
      {task?.what === 'change' && (
        <ChangeUsers
          ids={task.ids}
          onClose={over}
          onDone={() => {
            task.clear();
            over();
          }}
        />
      )}
      {task?.what === 'remove' && (
        <RemoveUsers
          ids={task.ids}
          name={task.name}
          onClose={over}
          onDone={() => {
            task.clear();
            over();
          }}
        />
      )}
    </>
  );
}
