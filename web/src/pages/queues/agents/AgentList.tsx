import { Button, Group, Text } from '@mantine/core';
import { IconLogout, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { StateBadge } from '@/kit/StateBadge';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';
import { useWrite } from '@/kit/write';
import { PhoneStateBadge } from '@/pbx/PhoneStateBadge';
import classes from './agents.module.css';
import { CHANGED } from './changed';
import { PauseForm } from './PauseForm';

type Agent = AnswerOf<'/pbx/queues/get'>['agents'][number];

export interface AgentListProps {
  /** Number of the queue. */
  queue: string;
  agents: readonly Agent[];
  mayUpdate: boolean;
}

/** The agents of a queue in order of joining. */
export function AgentList({ queue, agents, mayUpdate }: AgentListProps) {
  const { t } = useTranslation('queues');
  if (agents.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('agents.none')}
      </Text>
    );
  }
  return (
    <ul className={classes.list}>
      {agents.map((agent) => (
        <AgentItem key={agent.agent} queue={queue} agent={agent} mayUpdate={mayUpdate} />
      ))}
    </ul>
  );
}

function AgentItem({ queue, agent, mayUpdate }: { queue: string; agent: Agent; mayUpdate: boolean }) {
  const { t } = useTranslation('queues');
  const [pausing, setPausing] = useState(false);
  const who = { queue, agent: agent.agent };
  const leave = useWrite('/pbx/queues/leave', { refresh: CHANGED, done: t('agents.left', who) });
  const resume = useWrite('/pbx/queues/pause', { refresh: CHANGED });
  return (
    <li className={classes.item} aria-label={agent.agent}>
      <div className={classes.line}>
        <span className={classes.who}>
          <strong>
            <PhoneNumber>{agent.agent}</PhoneNumber>
          </strong>
          {agent.name !== '' && agent.name !== agent.agent && <Name>{agent.name}</Name>}
        </span>
        <span className={classes.states}>
          {agent.paused && (
            <StateBadge
              tone="hold"
              label={
                agent.paused_reason === ''
                  ? t('agents.paused')
                  : t('agents.pausedFor', { reason: agent.paused_reason })
              }
            />
          )}
          <PhoneStateBadge state={agent.state} />
        </span>
      </div>
      <div className={classes.line}>
        <Text size="xs" c="dimmed" component="div" className={classes.facts}>
          {agent.phone !== agent.agent && <span>{t('agents.at', { phone: agent.phone })}</span>}
          {agent.penalty > 0 && <span>{t('agents.penalty', { penalty: agent.penalty })}</span>}
          <span>{t('agents.taken', { count: agent.calls_taken })}</span>
          <span>
            {t('agents.joined')} <TimeText at={agent.joined_at} as="relative" />
          </span>
        </Text>
        {mayUpdate && (
          <Group gap="xs" wrap="nowrap" className={classes.buttons}>
            {agent.paused ? (
              <Button
                variant="light"
                size="compact-sm"
                leftSection={<IconPlayerPlay size={14} />}
                loading={resume.isPending}
                onClick={() => resume.mutate({ ...who, paused: false })}
              >
                {t('agents.resume')}
              </Button>
            ) : (
              <Button
                variant="default"
                size="compact-sm"
                leftSection={<IconPlayerPause size={14} />}
                aria-expanded={pausing}
                onClick={() => setPausing((now) => !now)}
              >
                {t('agents.pause')}
              </Button>
            )}
            <Button
              variant="default"
              size="compact-sm"
              leftSection={<IconLogout size={14} className="mirrored" />}
              loading={leave.isPending}
              onClick={() => leave.mutate(who)}
            >
              {t('agents.leave')}
            </Button>
          </Group>
        )}
      </div>
      {pausing && !agent.paused && (
        <PauseForm queue={queue} agent={agent.agent} onClose={() => setPausing(false)} />
      )}
    </li>
  );
}
