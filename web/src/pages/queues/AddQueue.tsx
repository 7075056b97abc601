import { useTranslation } from 'react-i18next';
import { useChecks } from '@/kit/form/checks';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { useKitForm } from '@/kit/form/form';
import { useWrite } from '@/kit/write';
import { QueueFields } from './QueueFields';
import { CHECKS, DEFAULTS, type QueueValues, REQUIRED, settingsOf } from './values';

/** Adds a queue. `onAdded` gets its id. */
export function AddQueue({ onClose, onAdded }: { onClose: () => void; onAdded: (id: string) => void }) {
  const { t } = useTranslation('queues');
  const form = useKitForm<QueueValues>({
    initial: DEFAULTS,
    required: REQUIRED,
    validate: useChecks<QueueValues>(CHECKS),
  });
  const add = useWrite('/pbx/queues/add', {
    form,
    refresh: ['/pbx/queues/list'],
    done: (_, body) => t('added', { number: body.number }),
    onDone: ({ id }) => onAdded(id),
  });
  return (
    <FormDrawer
      title={t('add')}
      submit={t('addIt')}
      form={form}
      busy={add.isPending}
      onSubmit={(values) => add.mutate(settingsOf(values))}
      onClose={onClose}
    >
      <QueueFields added />
    </FormDrawer>
  );
}
