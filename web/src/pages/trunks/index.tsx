import { Button } from '@mantine/core';
import {
  IconEye,
  IconPencil,
  IconPlayerPlay,
  IconPlayerStop,
  IconPlus,
  IconTrash,
  IconWorld,
} from '@tabler/icons-react';
import { useCallback, useState } from 'react';
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
import { useWrite } from '@/kit/write';
import { AddTrunk } from './AddTrunk';
import { COLUMNS } from './columns';
import { EditTrunk } from './EditTrunk';
import { useLiveTrunks } from './liveTrunks';
import { RemoveTrunk } from './RemoveTrunk';

type TrunkRow = RowOf<'/pbx/trunks/list'>;

const ANY = ['all', 'yes', 'no'] as const;
const rowId = (row: TrunkRow) => row.id;

export default function Page() {
  const { t } = useTranslation('trunks');
  const mayUpdate = useMay()('pbx.trunks', 'update');
  const [filters, setFilters, filtered] = useFilters({ active: 'all' });
  const active = ANY.find((value) => value === filters.active) ?? 'all';
  const source = useList('/pbx/trunks/list', {
    filters: { active },
    sorting: { column: 'name', descending: false },
  });
  useLiveTrunks();

  const add = useDrawer('add');
  const edit = useDrawer('edit');
  const [removed, setRemoved] = useState<TrunkRow | null>(null);
  const { mutate: change } = useWrite('/pbx/trunks/update', {
    refresh: ['/pbx/trunks/list', '/pbx/trunks/get'],
    done: (_, body) => t(body.active === 'yes' ? 'activated' : 'deactivated'),
  });

  const { open } = edit;
  const onOpen = useCallback((row: TrunkRow) => open(row.id), [open]);
  const actions = useCallback(
    (row: TrunkRow): readonly RowAction[] =>
      mayUpdate
        ? [
            { label: t('edit'), icon: <IconPencil size={16} />, onClick: () => open(row.id) },
            {
              label: t(row.active ? 'deactivate' : 'activate'),
              icon: row.active ? <IconPlayerStop size={16} /> : <IconPlayerPlay size={16} />,
              onClick: () => change({ _id: row.id, active: row.active ? 'no' : 'yes' }),
            },
            {
              label: t('remove'),
              icon: <IconTrash size={16} />,
              danger: true,
              onClick: () => setRemoved(row),
            },
          ]
        : [{ label: t('view'), icon: <IconEye size={16} />, onClick: () => open(row.id) }],
    [t, mayUpdate, open, change],
  );

  const button = mayUpdate && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => add.open('1')}>
      {t('add')}
    </Button>
  );

  return (
    <>
      <PageHeader>{button}</PageHeader>
      <DataTable
        id="trunks"
        label={t('list')}
        source={source}
        columns={COLUMNS}
        rowId={rowId}
        onOpen={onOpen}
        actions={actions}
        filtered={filtered}
        filters={
          <FilterSelect
            label={t('filter.label')}
            choices={ANY.map((value) => ({ value, label: t(`filter.${value}`) }))}
            value={active}
            onChange={(value) => setFilters({ active: value })}
          />
        }
        empty={
          <EmptyState
            icon={IconWorld}
            title={t('empty.title')}
            text={t(mayUpdate ? 'empty.text' : 'empty.readOnly')}
          >
            {button}
          </EmptyState>
        }
      />
      {mayUpdate && add.value !== null && <AddTrunk onClose={add.close} />}
      {edit.value !== null && <EditTrunk key={edit.value} id={edit.value} onClose={edit.close} />}
      {removed !== null && <RemoveTrunk trunk={removed} onClose={() => setRemoved(null)} />}
    </>
  );
}
