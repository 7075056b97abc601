import {
  IconBellRinging,
  IconCircleCheck,
  IconCircleOff,
  IconPhone,
  IconPlayerPause,
  IconPlugConnectedX,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { StateBadge, type Tone } from '@/kit/StateBadge';

export type PhoneState = RowOf<'/pbx/users/list'>['state'];

const SHAPES = {
  idle: ['ok', IconCircleCheck],
  ringing: ['info', IconBellRinging],
  in_use: ['busy', IconPhone],
  hold: ['hold', IconPlayerPause],
  unavailable: ['idle', IconPlugConnectedX],
  inactive: ['off', IconCircleOff],
} satisfies Record<PhoneState, readonly [Tone, typeof IconPhone]>;

/** What the phone of an extension does. */
export function PhoneStateBadge({ state, live = false }: { state: PhoneState; live?: boolean }) {
  const { t } = useTranslation();
  const [tone, icon] = SHAPES[state];
  return (
    <StateBadge
      tone={tone}
      icon={icon}
      label={t(`phoneState.${state}`)}
      hint={t(`phoneStateHint.${state}`)}
      live={live}
    />
  );
}
