import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { useFormat } from '@/kit/format';
import { Duration } from '@/kit/text/Duration';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import classes from './agents.module.css';

/** Callers who wait, in the order in which they are served, and for how long. */
export function WaitingCallers({ callers }: { callers: AnswerOf<'/pbx/queues/get'>['waiting'] }) {
  const { t } = useTranslation('queues');
  const format = useFormat();
  if (callers.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('callers.none')}
      </Text>
    );
  }
  return (
    <ol className={classes.list}>
      {callers.map((caller) => (
        <li key={caller.channel} className={classes.caller}>
          <span className={classes.position}>{format.number(caller.position)}</span>
          <span className={classes.who}>
            <strong>
              {caller.number === '' ? t('callers.unknown') : <PhoneNumber>{caller.number}</PhoneNumber>}
            </strong>
            {caller.name !== '' && caller.name !== caller.number && <Name>{caller.name}</Name>}
          </span>
          <Duration since={caller.since} />
        </li>
      ))}
    </ol>
  );
}
