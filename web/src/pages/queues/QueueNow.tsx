import { Button, Group, Stack } from '@mantine/core';
import { IconHeadset } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { useFormat } from '@/kit/format';
import { KeyValue } from '@/kit/KeyValue';
import { Surface } from '@/kit/Surface';
import { Duration } from '@/kit/text/Duration';
import { TimeText } from '@/kit/text/TimeText';

export interface QueueNowProps {
  queue: AnswerOf<'/pbx/queues/get'>;
  onAgents: () => void;
}

/** How a queue is at this moment. */
export function QueueNow({ queue, onAgents }: QueueNowProps) {
  const { t } = useTranslation('queues');
  const format = useFormat();
  const { agents, waiting } = queue;
  const since = waiting.length > 0 ? Math.min(...waiting.map((caller) => caller.since)) : null;
  const available = agents.filter((agent) => !agent.paused && agent.state === 'idle').length;
  return (
    <Surface>
      <Stack gap="sm">
        <Group justify="flex-end">
          <Button
            variant="light"
            size="compact-md"
            leftSection={<IconHeadset size={16} />}
            onClick={onAgents}
          >
            {t('agents.open')}
          </Button>
        </Group>
        <KeyValue
          items={[
            [
              t('column.agents'),
              agents.length === 0
                ? t('agents.noneShort')
                : t('availableOf', { available, count: agents.length }),
            ],
            [t('column.waiting'), format.number(waiting.length)],
            [t('column.longest'), since !== null && <Duration since={since} />],
            [t('changed'), <TimeText key="at" at={queue.updated_at} as="relative" />],
          ]}
        />
      </Stack>
    </Surface>
  );
}
