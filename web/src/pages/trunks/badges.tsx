import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { StateBadge, type Tone } from '@/kit/StateBadge';

type TrunkRow = RowOf<'/pbx/trunks/list'>;

const STATES = {
  ok: 'ok',
  unavailable: 'bad',
  deactivated: 'off',
} satisfies Record<TrunkRow['state'], Tone>;

const REGISTRATIONS = {
  registered: 'ok',
  trying: 'warn',
  rejected: 'bad',
  none: 'off',
} satisfies Record<TrunkRow['registration'], Tone>;

/** Whether calls can go over a trunk. */
export function TrunkStateBadge({ state, live = false }: { state: TrunkRow['state']; live?: boolean }) {
  const { t } = useTranslation('trunks');
  return (
    <StateBadge tone={STATES[state]} label={t(`state.${state}`)} hint={t(`stateHint.${state}`)} live={live} />
  );
}

/** How our registration at a provider stands. */
export function RegistrationBadge({
  registration,
  live = false,
}: {
  registration: TrunkRow['registration'];
  live?: boolean;
}) {
  const { t } = useTranslation('trunks');
  return (
    <StateBadge
      tone={REGISTRATIONS[registration]}
      label={t(`registration.${registration}`)}
      hint={t(`registrationHint.${registration}`)}
      live={live}
    />
  );
}
