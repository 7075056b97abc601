import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { useRead } from '@/api/queries';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useWrite } from '@/kit/write';

/** Asks before a trunk is removed. */
export function RemoveTrunk({ trunk, onClose }: { trunk: RowOf<'/pbx/trunks/list'>; onClose: () => void }) {
  const { t } = useTranslation('trunks');
  const usage = useRead('/pbx/trunks/usage', { ids: [trunk.id] });
  const calls = usage.data?.calls ?? 0;
  const remove = useWrite('/pbx/trunks/remove', {
    refresh: ['/pbx/trunks/list'],
    done: t('removed', { name: trunk.name }),
    onDone: onClose,
  });
  return (
    <ConfirmDialog
      opened
      title={t('removeTitle', { name: trunk.name })}
      usedBy={calls > 0 ? [t('usage.calls', { count: calls })] : []}
      confirm={t('remove')}
      danger
      busy={remove.isPending || usage.isPending}
      onConfirm={() => remove.mutate({ ids: [trunk.id] })}
      onClose={onClose}
    >
      {t('removeText')}
    </ConfirmDialog>
  );
}
