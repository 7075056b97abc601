import { Button, Group, Stack, Title } from '@mantine/core';
import { IconUserOff } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { useWrite } from '@/kit/write';
import { AgentList } from './AgentList';
import { Candidates } from './Candidates';
import { CHANGED } from './changed';
import { WaitingCallers } from './WaitingCallers';

/** Who waits in a queue and who answers there, live; agents join, leave and take breaks here. */
export function AgentsDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('queues');
  const { t: common } = useTranslation();
  const queue = useRead('/pbx/queues/get', { id });
  const settings = queue.data?.settings;
  return (
    <SideDrawer
      title={
        settings === undefined
          ? t('agents.open')
          : t('agents.title', { queue: t('title', { number: settings.number, name: settings.name }) })
      }
      size={680}
      onClose={onClose}
      footer={
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {common('close')}
          </Button>
        </Group>
      }
    >
      {queue.data !== undefined ? (
        <Agents id={id} queue={queue.data} />
      ) : queue.isError ? (
        <ErrorState error={queue.error} onRetry={() => void queue.refetch()} />
      ) : (
        <LoadingState delayed />
      )}
    </SideDrawer>
  );
}

function Agents({ id, queue }: { id: string; queue: AnswerOf<'/pbx/queues/get'> }) {
  const { t } = useTranslation('queues');
  const mayUpdate = useMay()('pbx.queues', 'update');
  const [clearing, setClearing] = useState(false);
  const { number } = queue.settings;
  const clear = useWrite('/pbx/queues/clear', {
    refresh: CHANGED,
    done: ({ removed }) => t('agents.cleared', { count: removed }),
    onDone: () => setClearing(false),
    onFailed: () => setClearing(false),
  });
  return (
    <Stack gap="xl">
      <section aria-label={t('callers.title')}>
        <Title order={3} mb="sm">
          {t('callers.title')}
        </Title>
        <WaitingCallers callers={queue.waiting} />
      </section>
      <section aria-label={t('agents.inQueue')}>
        <Group justify="space-between" mb="sm" gap="xs">
          <Title order={3}>{t('agents.inQueue')}</Title>
          {mayUpdate && queue.agents.length > 0 && (
            <Button
              variant="subtle"
              color="red"
              c="var(--mantine-color-error)"
              size="compact-sm"
              leftSection={<IconUserOff size={16} />}
              onClick={() => setClearing(true)}
            >
              {t('agents.clear')}
            </Button>
          )}
        </Group>
        <AgentList queue={number} agents={queue.agents} mayUpdate={mayUpdate} />
      </section>
      {mayUpdate && (
        <section aria-label={t('candidates.title')}>
          <Title order={3} mb="sm">
            {t('candidates.title')}
          </Title>
          <Candidates id={id} queue={number} />
        </section>
      )}
      <ConfirmDialog
        opened={clearing}
        title={t('agents.clearTitle')}
        confirm={t('agents.clear')}
        danger
        busy={clear.isPending}
        onConfirm={() => clear.mutate({ queue: number })}
        onClose={() => setClearing(false)}
      >
        {t('agents.clearText', { count: queue.agents.length })}
      </ConfirmDialog>
    </Stack>
  );
}
