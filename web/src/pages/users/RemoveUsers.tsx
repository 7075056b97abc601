import { Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { useRead } from '@/api/queries';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { useFormat } from '@/kit/format';
import { Note } from '@/kit/Note';
import { useWrite } from '@/kit/write';

/** So many uses of a kind are named; of the others it is said how many they are. */
const NAMED = 8;

export interface RemoveUsersProps {
  ids: readonly string[];
  /** Of the one that is removed, when it is one. */
  name: string | null;
  onClose: () => void;
  onDone: () => void;
}

/** Asks before extensions are removed, and says what uses them. */
export function RemoveUsers({ ids, name, onClose, onDone }: RemoveUsersProps) {
  const { t } = useTranslation('users');
  const uses = useUses();
  const usage = useRead('/pbx/users/usage', { ids: [...ids] });
  const remove = useWrite('/pbx/users/remove', {
    refresh: ['/pbx/users/list', '/pbx/queues/list', '/pbx/queues/get'],
    done: ({ removed }) => t('removed', { count: removed }),
    onDone,
  });
  return (
    <ConfirmDialog
      opened
      title={name === null ? t('removeMany', { count: ids.length }) : t('removeOne', { name })}
      usedBy={usage.data === undefined ? [] : uses(usage.data)}
      confirm={t('remove')}
      danger
      busy={remove.isPending || usage.isPending}
      onConfirm={() => remove.mutate({ ids: [...ids] })}
      onClose={onClose}
    >
      <Stack gap="sm">
        {t('removeText', { count: ids.length })}
        {usage.isError && <Note tone="warn">{t('usageUnknown')}</Note>}
      </Stack>
    </ConfirmDialog>
  );
}

/** Puts into words what uses extensions. */
function useUses(): (usage: AnswerOf<'/pbx/users/usage'>) => ReactNode[] {
  const { t } = useTranslation('users');
  const format = useFormat();
  return ({ queues, mapped, forwards, calls }) => {
    const named = (all: readonly string[], rest: (count: number) => string) =>
      all.length > NAMED ? [...all.slice(0, NAMED), rest(all.length - NAMED)] : all;
    return [
      ...(calls > 0 ? [t('usage.calls', { count: calls })] : []),
      ...named(
        queues.map(({ number, name, agents }) =>
          t('usage.queue', { queue: `${number} ${name}`, count: agents.length, agents: format.list(agents) }),
        ),
        (count) => t('usage.moreQueues', { count }),
      ),
      ...named(
        mapped.map(({ agent, phone }) => t('usage.mapped', { agent, phone })),
        (count) => t('usage.moreMapped', { count }),
      ),
      ...named(
        forwards.map(({ number, name }) => t('usage.forward', { extension: `${number} ${name}` })),
        (count) => t('usage.moreForwards', { count }),
      ),
    ];
  };
}
