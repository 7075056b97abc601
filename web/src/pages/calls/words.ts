/** How calls are told: tones of their states, and hangup causes (ITU-T Q.850) in words. */
import { IconBellRinging, IconHourglass, IconRobot } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { StateBadgeProps, Tone } from '@/kit/StateBadge';
import type { LiveCall, LiveParty } from './live';

type Look = Pick<StateBadgeProps, 'tone' | 'icon'>;
const RINGING: Look = { tone: 'info', icon: IconBellRinging };

export const CALL_LOOKS: Record<LiveCall['state'], Look> = {
  dialing: { tone: 'idle' },
  ringing: RINGING,
  talking: { tone: 'busy' },
  hold: { tone: 'hold' },
  queue: { tone: 'hold', icon: IconHourglass },
  menu: { tone: 'info', icon: IconRobot },
  ended: { tone: 'off' },
};

export const PARTY_LOOKS: Record<LiveParty['state'], Look> = {
  dialing: { tone: 'idle' },
  ringing: RINGING,
  up: { tone: 'busy' },
  hold: { tone: 'hold' },
  ended: { tone: 'off' },
};

const DISPOSITION_TONES: Record<string, Tone> = {
  ANSWERED: 'ok',
  'NO ANSWER': 'warn',
  BUSY: 'warn',
  FAILED: 'bad',
};

/** Cause of a call that ended as calls do. */
const NORMAL = 16;

/** Whether a call with that cause came to nothing, or was cut off. */
export function isTrouble(cause: number | null): boolean {
  return cause !== null && cause !== NORMAL;
}

export interface CallWords {
  /** Why a call ended, as a sentence. */
  cause: (cause: number | null) => string;
  /** Result of a record, with the tone of its badge. */
  disposition: (disposition: string) => { tone: Tone; label: string };
  /** Direction of a record. */
  type: (type: string) => string;
}

export function useCallWords(): CallWords {
  const { t, i18n } = useTranslation('calls');
  return useMemo(
    () => ({
      cause: (cause) => {
        if (cause === null) return t('cause.none');
        return i18n.exists(`calls:cause.${cause}`) ? t(`cause.${cause}`) : t('cause.other', { code: cause });
      },
      disposition: (disposition) => {
        const key = disposition.toLowerCase().replaceAll(' ', '_');
        return {
          tone: DISPOSITION_TONES[disposition] ?? 'info',
          label: i18n.exists(`calls:disposition.${key}`) ? t(`disposition.${key}`) : disposition,
        };
      },
      type: (type) => {
        const key = type.replaceAll(' ', '_');
        return i18n.exists(`calls:type.${key}`) ? t(`type.${key}`) : type;
      },
    }),
    [t, i18n],
  );
}
