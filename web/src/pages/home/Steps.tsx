import { Button, Text, Title } from '@mantine/core';
import { IconCircle, IconCircleCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { Surface } from '@/kit/Surface';
import { useWrite } from '@/kit/write';
import { Bar } from './Bar';
import classes from './home.module.css';
import type { Status } from './status';

const EXTENSIONS = 2;

/** What to do next on a fresh system. Each step ticks itself off. */
export function Steps({ steps }: { steps: Status['steps'] }) {
  const { t } = useTranslation('home');
  const may = useMay();
  const phoneless = usePhoneless(!steps.phone && steps.extensions > 0);
  const dismiss = useWrite('/home/dismiss_steps', { refresh: ['/home/status'] });
  const list = [
    {
      name: 'extensions',
      done: steps.extensions >= EXTENSIONS,
      text: t('steps.extensions.text', { count: EXTENSIONS - steps.extensions }),
      to: '/pbx/users?add=1',
      allowed: may('pbx.users', 'update'),
    },
    {
      name: 'phone',
      done: steps.phone,
      text: t(steps.extensions === 0 ? 'steps.phone.first' : 'steps.phone.text'),
      to: phoneless === null ? null : `/pbx/users?phone=${phoneless}`,
      allowed: may('pbx.users', 'read'),
    },
    {
      name: 'call',
      done: steps.call,
      text: t('steps.call.text'),
      to: steps.extensions >= EXTENSIONS ? '/calls?add=1' : null,
      allowed: may('calls', 'update'),
    },
  ];
  const done = list.filter((step) => step.done).length;
  const next = list.find((step) => !step.done);
  return (
    <section aria-labelledby="home-steps" className={classes.section}>
      <Surface className={classes.steps}>
        <div className={classes.stepsHead}>
          <div>
            <Title order={2} id="home-steps">
              {t('steps.title')}
            </Title>
            <Text size="sm" c="dimmed">
              {t('steps.progress', { done, count: list.length })}
            </Text>
          </div>
          <Button
            variant="subtle"
            size="compact-sm"
            loading={dismiss.isPending}
            onClick={() => dismiss.mutate()}
          >
            {t('steps.dismiss')}
          </Button>
        </div>
        <Bar share={done / list.length} />
        <ol className={classes.stepList}>
          {list.map((step) => (
            <li key={step.name} className={classes.step} data-done={step.done || undefined}>
              <span className={classes.stepIcon}>
                {step.done ? (
                  <IconCircleCheck size={22} role="img" aria-label={t('steps.done')} />
                ) : (
                  <IconCircle size={22} role="img" aria-label={t('steps.open')} />
                )}
              </span>
              <div className={classes.stepText}>
                <Title order={3}>{t(`steps.${step.name}.title`)}</Title>
                {!step.done && (
                  <Text size="sm" c="dimmed">
                    {step.text}
                  </Text>
                )}
              </div>
              {!step.done && step.allowed && (
                <StepButton
                  label={t(`steps.${step.name}.button`)}
                  to={step.to}
                  primary={step.name === next?.name}
                />
              )}
            </li>
          ))}
        </ol>
      </Surface>
    </section>
  );
}

function StepButton({ label, to, primary }: { label: string; to: string | null; primary: boolean }) {
  const variant = primary ? 'filled' : 'default';
  if (to === null) {
    return (
      <Button variant="default" disabled>
        {label}
      </Button>
    );
  }
  return (
    <Button variant={variant} component={Link} to={to}>
      {label}
    </Button>
  );
}

/** The first extension without a phone, whose set-up card can be opened. */
function usePhoneless(wanted: boolean): string | null {
  const may = useMay();
  const found = useRead(
    '/pbx/users/list',
    { registered: 'no', active: 'yes', count: 1, sort: 'number' },
    { enabled: wanted && may('pbx.users', 'read') },
  );
  return found.data?.rows[0]?.id ?? null;
}
