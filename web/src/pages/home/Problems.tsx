import { Button, Title } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { StateBadge } from '@/kit/StateBadge';
import { Surface } from '@/kit/Surface';
import { Code } from '@/kit/text/Code';
import { TimeText } from '@/kit/text/TimeText';
import classes from './home.module.css';
import type { Status } from './status';

const FIRST = 5;

/** What the log complained of, the latest first. */
export function Problems({ problems }: { problems: Status['problems'] }) {
  const { t } = useTranslation('home');
  const [all, setAll] = useState(false);
  const shown = all ? problems : problems.slice(0, FIRST);
  return (
    <section aria-labelledby="home-problems" className={classes.section}>
      <Surface>
        <Title order={2} id="home-problems" mb="sm">
          {t('problems.title')}
        </Title>
        {problems.length === 0 ? (
          <p className={classes.noProblem}>
            <IconCircleCheck size={20} stroke={1.75} aria-hidden="true" />
            {t('problems.none')}
          </p>
        ) : (
          <ul className={classes.problems}>
            {shown.map((problem) => (
              <li key={`${problem.source} ${problem.text}`}>
                <StateBadge
                  tone={problem.level === 'error' ? 'bad' : 'warn'}
                  label={t(`problems.level.${problem.level}`)}
                />
                <span className={classes.problemText} lang="en" dir="auto">
                  {problem.text}
                </span>
                <span className={classes.problemFacts}>
                  <Code>{problem.source}</Code>
                  {problem.count > 1 && <span>{t('problems.times', { count: problem.count })}</span>}
                  <TimeText at={problem.at} as="relative" />
                </span>
              </li>
            ))}
          </ul>
        )}
        {problems.length > FIRST && (
          <Button variant="subtle" size="compact-md" mt="xs" onClick={() => setAll((now) => !now)}>
            {all ? t('problems.fewer') : t('problems.all', { count: problems.length })}
          </Button>
        )}
      </Surface>
    </section>
  );
}
