import { Button } from '@mantine/core';
import { IconEye, IconHeadset, IconPencil, IconPlus, IconStack2, IconTrash } from '@tabler/icons-react';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { useMay } from '@/app/session/session';
import { useDrawer } from '@/kit/drawer';
import { PageHeader } from '@/kit/PageHeader';
import { EmptyState } from '@/kit/states/EmptyState';
import type { RowAction } from '@/kit/table/columns';
import { DataTable } from '@/kit/table/DataTable';
import { useList } from '@/kit/table/useList';
import { AddQueue } from './AddQueue';
import { AgentsDrawer } from './agents/AgentsDrawer';
import { columnsOf } from './columns';
import { EditQueue } from './EditQueue';
import { useLiveQueues } from './liveQueues';
import { RemoveQueue } from './RemoveQueue';

type QueueRow = RowOf<'/pbx/queues/list'>;

const rowId = (row: QueueRow) => row.id;

export default function Page() {
  const { t } = useTranslation('queues');
  const mayUpdate = useMay()('pbx.queues', 'update');
  const source = useList('/pbx/queues/list', { sorting: { column: 'number', descending: false } });
  useLiveQueues();

  const add = useDrawer('add');
  const edit = useDrawer('edit');
  const agents = useDrawer('agents');
  const [removed, setRemoved] = useState<QueueRow | null>(null);

  const { open: openEdit } = edit;
  const { open: openAgents } = agents;
  const columns = useMemo(() => columnsOf((row) => openAgents(row.id)), [openAgents]);
  const onOpen = useCallback((row: QueueRow) => openEdit(row.id), [openEdit]);
  const actions = useCallback(
    (row: QueueRow): readonly RowAction[] => [
      { label: t('agents.open'), icon: <IconHeadset size={16} />, onClick: () => openAgents(row.id) },
      {
        label: t(mayUpdate ? 'edit' : 'view'),
        icon: mayUpdate ? <IconPencil size={16} /> : <IconEye size={16} />,
        onClick: () => openEdit(row.id),
      },
      ...(mayUpdate
        ? [
            {
              label: t('remove'),
              icon: <IconTrash size={16} />,
              danger: true,
              onClick: () => setRemoved(row),
            },
          ]
        : []),
    ],
    [t, mayUpdate, openAgents, openEdit],
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
        id="queues"
        label={t('list')}
        source={source}
        columns={columns}
        rowId={rowId}
        onOpen={onOpen}
        actions={actions}
        empty={
          <EmptyState
            icon={IconStack2}
            title={t('empty.title')}
            text={t(mayUpdate ? 'empty.text' : 'empty.readOnly')}
          >
            {button}
          </EmptyState>
        }
      />
      {mayUpdate && add.value !== null && (
        <AddQueue onClose={add.close} onAdded={(id) => agents.open(id, 'add')} />
      )}
      {edit.value !== null && (
        <EditQueue
          key={edit.value}
          id={edit.value}
          onClose={edit.close}
          onAgents={() => agents.open(edit.value ?? '', 'edit')}
        />
      )}
      {agents.value !== null && <AgentsDrawer key={agents.value} id={agents.value} onClose={agents.close} />}
      {removed !== null && <RemoveQueue queue={removed} onClose={() => setRemoved(null)} />}
    </>
  );
}
