import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { useFormat } from '@/kit/format';
import { KeyValue } from '@/kit/KeyValue';
import { Surface } from '@/kit/Surface';
import { TimeText } from '@/kit/text/TimeText';
import { RegistrationBadge, TrunkStateBadge } from './badges';

/** How a trunk is at this moment. */
export function TrunkNow({ trunk }: { trunk: AnswerOf<'/pbx/trunks/get'> }) {
  const { t } = useTranslation('trunks');
  const format = useFormat();
  return (
    <Surface>
      <KeyValue
        items={[
          [t('column.state'), <TrunkStateBadge key="state" state={trunk.state} live />],
          [
            t('column.registration'),
            trunk.registration !== 'none' && (
              <RegistrationBadge key="is" registration={trunk.registration} live />
            ),
          ],
          [t('column.calls'), format.number(trunk.calls)],
          [t('changed'), <TimeText key="at" at={trunk.updated_at} as="relative" />],
        ]}
      />
    </Surface>
  );
}
