import { useTranslation } from 'react-i18next';
import { StateBadge } from '@/kit/StateBadge';
import { outcomeOf, type Request, TONES } from './requests';

/** Status and outcome of a request: "403 Refused". */
export function RequestStatus({ of }: { of: Request }) {
  const { t } = useTranslation('api-logs');
  const outcome = outcomeOf(of);
  return (
    <StateBadge
      tone={TONES[outcome]}
      label={t('statusAndOutcome', { status: String(of.status), outcome: t(`outcome.${outcome}`) })}
      hint={of.message ?? undefined}
    />
  );
}
