import { ActionIcon, Button, Group, Text, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconPlus, IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type RowOf, read } from '@/api/client';
import { keyOf } from '@/api/queries';
import { StateBadge } from '@/kit/StateBadge';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { useWrite } from '@/kit/write';
import classes from './agents.module.css';
import { CHANGED } from './changed';
import { JoinForm } from './JoinForm';

type Candidate = RowOf<'/pbx/queues/candidates'>;

const PATH = '/pbx/queues/candidates';
const PAUSE = 250;
const FIRST = 10;
/** So many more each time; the service answers no more than 500. */
const MORE = 50;
const MOST = 500;

export interface CandidatesProps {
  id: string;
  /** Number of the queue. */
  queue: string;
}

/** Extensions whose people could join a queue. */
export function Candidates({ id, queue }: CandidatesProps) {
  const { t } = useTranslation('queues');
  const [typed, setTyped] = useState('');
  const [search] = useDebouncedValue(typed.trim(), PAUSE);
  const [count, setCount] = useState(FIRST);
  const query = { id, search, count };
  const found = useQuery({
    queryKey: keyOf(PATH, query),
    queryFn: ({ signal }) => read(PATH, query, signal),
    placeholderData: keepPreviousData,
  });
  const rows = found.data?.rows ?? [];
  const more = (found.data?.total ?? 0) - rows.length;
  return (
    <>
      <TextInput
        type="search"
        aria-label={t('candidates.search')}
        placeholder={t('candidates.search')}
        mb="xs"
        leftSection={<IconSearch size={16} />}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setCount(FIRST);
        }}
      />
      {found.isError ? (
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      ) : found.data === undefined ? (
        <LoadingState delayed />
      ) : rows.length === 0 ? (
        <Text size="sm" c="dimmed" role="status">
          {t(search === '' ? 'candidates.nobody' : 'candidates.noneFit')}
        </Text>
      ) : (
        <ul className={classes.list}>
          {rows.map((row) => (
            <CandidateItem key={row.number} queue={queue} candidate={row} />
          ))}
        </ul>
      )}
      {more > 0 && (
        <Group justify="center" mt="xs">
          {count < MOST ? (
            <Button
              variant="subtle"
              size="compact-sm"
              onClick={() => setCount((now) => Math.min(MOST, now + MORE))}
            >
              {t('candidates.more', { count: more })}
            </Button>
          ) : (
            <Text size="sm" c="dimmed">
              {t('candidates.tooMany', { count: more })}
            </Text>
          )}
        </Group>
      )}
    </>
  );
}

function CandidateItem({ queue, candidate }: { queue: string; candidate: Candidate }) {
  const { t } = useTranslation('queues');
  const [choosing, setChoosing] = useState(false);
  const agent = candidate.mapped ?? candidate.number;
  const join = useWrite('/pbx/queues/join', {
    refresh: CHANGED,
    done: t('agents.joinedNow', { agent, queue }),
  });
  return (
    <li className={classes.item} aria-label={candidate.number}>
      <div className={classes.line}>
        <span className={classes.who}>
          <strong>
            <PhoneNumber>{candidate.number}</PhoneNumber>
          </strong>
          {candidate.name !== candidate.number && <Name>{candidate.name}</Name>}
        </span>
        <span className={classes.states}>
          {candidate.mapped !== null && (
            <Text size="xs" c="dimmed" component="span">
              {t('candidates.mapped', { agent: candidate.mapped })}
            </Text>
          )}
          <StateBadge
            tone={candidate.registered ? 'ok' : 'idle'}
            label={t(candidate.registered ? 'candidates.registered' : 'candidates.noPhone')}
          />
        </span>
        {candidate.member ? (
          <Text size="xs" c="dimmed" component="span" className={classes.inside}>
            {t('candidates.member')}
          </Text>
        ) : (
          <Group gap="2xs" wrap="nowrap" className={classes.buttons}>
            <Button
              variant="light"
              size="compact-sm"
              leftSection={<IconPlus size={14} />}
              loading={join.isPending}
              onClick={() => join.mutate({ queue, agent, phone: candidate.number })}
            >
              {t('candidates.add')}
            </Button>
            <Tooltip label={t('candidates.choose')}>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t('candidates.choose')}
                aria-expanded={choosing}
                onClick={() => setChoosing((now) => !now)}
              >
                <IconAdjustmentsHorizontal size={16} />
              </ActionIcon>
            </Tooltip>
          </Group>
        )}
      </div>
      {choosing && !candidate.member && (
        <JoinForm queue={queue} candidate={candidate} onClose={() => setChoosing(false)} />
      )}
    </li>
  );
}
