import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLive, useLiveState } from '@/api/live';
import { StateBadge } from '@/kit/StateBadge';

/** Whether calls can be made: the state of Asterisk, live. */
export function EngineState() {
  const { t } = useTranslation();
  const [ready, setReady] = useState<boolean | null>(null);
  const connection = useLiveState();
  useLive(['engine'], (message) => setReady(message.data.ready));
  if (ready === null || connection !== 'connected') return null;
  return (
    <StateBadge
      tone={ready ? 'ok' : 'bad'}
      label={t(ready ? 'engine.ready' : 'engine.away')}
      hint={t(ready ? 'engine.readyHint' : 'engine.awayHint')}
      live
      compact
    />
  );
}
