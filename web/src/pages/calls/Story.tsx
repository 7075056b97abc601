import { Timeline } from '@mantine/core';
import {
  IconArrowForwardUp,
  IconDoorEnter,
  IconDoorExit,
  IconPhone,
  IconPhoneCheck,
  IconPhoneEnd,
  IconPhoneOff,
  IconPhoneOutgoing,
  IconPhoneRinging,
  IconPlayerPause,
  IconPlayerPlay,
  IconUsers,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Duration } from '@/kit/text/Duration';
import { TimeText } from '@/kit/text/TimeText';
import classes from './calls.module.css';
import type { LiveCall, LiveStep } from './live';
import { isTrouble, useCallWords } from './words';

/** What happened in a call; that both parties were connected is told beside what the engine saw. */
type Told = Omit<LiveStep, 'what'> & { what: LiveStep['what'] | 'connected' };

const ICONS: Record<Told['what'], typeof IconPhone> = {
  dialing: IconPhoneOutgoing,
  ringing: IconPhoneRinging,
  answered: IconPhoneCheck,
  connected: IconUsers,
  refused: IconPhoneOff,
  hold: IconPlayerPause,
  unhold: IconPlayerPlay,
  queue_joined: IconDoorEnter,
  queue_left: IconDoorExit,
  transferred: IconArrowForwardUp,
  hung_up: IconPhoneEnd,
  ended: IconPhone,
};

/** A call's story, as far as it has come. */
export function Story({ call }: { call: LiveCall }) {
  const { t } = useTranslation('calls');
  const steps = stepsOf(call);
  return (
    <section aria-label={t('story.title')}>
      <h3 className={classes.heading}>{t('story.title')}</h3>
      {isPartial(call) && <p className={classes.partial}>{t('story.partial')}</p>}
      {/* Read out as it goes on. */}
      <div role="log" aria-label={t('story.title')}>
        <Timeline
          active={steps.length}
          bulletSize={28}
          lineWidth={2}
          classNames={{ item: classes.step, itemTitle: classes.stepTitle }}
        >
          {steps.map((step, index) => {
            const Icon = ICONS[step.what];
            return (
              <Timeline.Item
                // biome-ignore lint/suspicious/noArrayIndexKey: steps are only ever added at the end
                key={index}
                bullet={<Icon size={16} stroke={1.75} aria-hidden="true" />}
                color={isTrouble(step.cause) && step.what !== 'hung_up' ? 'red.8' : undefined}
                title={
                  <>
                    <span className={classes.stepWords}>
                      <StepWords call={call} step={step} />
                    </span>
                    <span className={classes.stepTime}>
                      <TimeText at={step.at} as="time" />
                      <bdi dir="ltr" className={classes.stepAfter}>
                        +<Duration ms={step.at - call.started_at} />
                      </bdi>
                    </span>
                  </>
                }
              />
            );
          })}
        </Timeline>
      </div>
    </section>
  );
}

function StepWords({ call, step }: { call: LiveCall; step: Told }) {
  const { t } = useTranslation('calls');
  const words = useCallWords();
  const { what, party, cause } = step;
  if (what === 'connected') {
    const talk = call.ended_at === null ? { since: step.at } : { ms: call.ended_at - step.at };
    return (
      <>
        {t('story.connected')} <Duration {...talk} />
      </>
    );
  }
  if (what === 'ended') return t('story.ended', { cause: words.cause(cause) });
  if (party === '') return t(`storyNobody.${what}`);
  return t(`story.${what}`, { party, cause: words.cause(cause) });
}

function stepsOf(call: LiveCall): Told[] {
  const steps: Told[] = [...call.story];
  if (call.answered_at !== null) {
    const at = call.answered_at;
    const place = steps.findIndex((step) => step.at > at);
    steps.splice(place === -1 ? steps.length : place, 0, { at, what: 'connected', party: '', cause: null });
  }
  return steps;
}

/** Whether the engine was not watched when the call began: a step that must have been is not there. */
function isPartial({ answered_at, state, story }: LiveCall): boolean {
  const has = (what: LiveStep['what']) => story.some((step) => step.what === what);
  return (
    (answered_at !== null && !has('answered')) ||
    (state === 'ringing' && !has('ringing')) ||
    (state === 'queue' && !has('queue_joined'))
  );
}
