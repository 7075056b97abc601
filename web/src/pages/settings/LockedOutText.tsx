import { useTranslation } from 'react-i18next';
import { Code } from '@/kit/text/Code';
import type { LockedOut } from './values';

/** An address and who called from it today: "10.0.0.5 · crm · 12 requests". */
export function LockedOutText({ of }: { of: LockedOut }) {
  const { t } = useTranslation('settings');
  return (
    <>
      <Code>{of.address}</Code> · <bdi>{of.account}</bdi> · {t('usedRequests', { count: of.requests })}
    </>
  );
}
