import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { useRead } from '@/api/queries';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useWrite } from '@/kit/write';

/** So many forwards are named; of the others it is said how many they are. */
const NAMED = 8;

/** Asks before a queue is removed, and says what uses it. */
export function RemoveQueue({ queue, onClose }: { queue: RowOf<'/pbx/queues/list'>; onClose: () => void }) {
  const { t } = useTranslation('queues');
  const usage = useRead('/pbx/queues/usage', { ids: [queue.id] });
  const { agents, waiting, forwards } = usage.data ?? { agents: 0, waiting: 0, forwards: [] };
  const name = t('title', { number: queue.number, name: queue.name });
  const remove = useWrite('/pbx/queues/remove', {
    refresh: ['/pbx/queues/list'],
    done: t('removed', { name }),
    onDone: onClose,
  });
  return (
    <ConfirmDialog
      opened
      title={t('removeTitle', { name })}
      usedBy={[
        ...(waiting > 0 ? [t('usage.waiting', { count: waiting })] : []),
        ...(agents > 0 ? [t('usage.agents', { count: agents })] : []),
        ...forwards
          .slice(0, NAMED)
          .map((forward) => t('usage.forward', { extension: `${forward.number} ${forward.name}` })),
        ...(forwards.length > NAMED ? [t('usage.moreForwards', { count: forwards.length - NAMED })] : []),
      ]}
      confirm={t('remove')}
      danger
      busy={remove.isPending || usage.isPending}
      onConfirm={() => remove.mutate({ ids: [queue.id] })}
      onClose={onClose}
    >
      {t('removeText')}
    </ConfirmDialog>
  );
}
