import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { useChecks } from '@/kit/form/checks';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { useKitForm } from '@/kit/form/form';
import { useWrite } from '@/kit/write';
import { changesIn } from '@/pbx/changes';
import { IgnoredOptions } from '@/pbx/IgnoredOptions';
import { QueueFields } from './QueueFields';
import { QueueNow } from './QueueNow';
import { CHECKS, DEFAULTS, type QueueValues, REQUIRED, settingsOf, valuesOf } from './values';

export interface EditQueueProps {
  id: string;
  onClose: () => void;
  onAgents: () => void;
}

/** Shows a queue as it is now, and changes it. */
export function EditQueue({ id, onClose, onAgents }: EditQueueProps) {
  const { t } = useTranslation('queues');
  const mayUpdate = useMay()('pbx.queues', 'update');
  const queue = useRead('/pbx/queues/get', { id });
  const stored = queue.data?.settings;
  const loaded = useMemo(() => stored && valuesOf(stored), [stored]);
  const form = useKitForm<QueueValues>({
    initial: DEFAULTS,
    loaded,
    required: REQUIRED,
    validate: useChecks<QueueValues>(CHECKS),
  });
  const save = useWrite('/pbx/queues/update', {
    form,
    refresh: ['/pbx/queues/list', '/pbx/queues/get'],
    done: t('saved', { number: form.values.number }),
    onDone: onClose,
  });
  return (
    <FormDrawer
      title={stored === undefined ? t('queue') : t('title', { number: stored.number, name: stored.name })}
      query={queue}
      form={form}
      busy={save.isPending}
      readOnly={!mayUpdate}
      onSubmit={(values) => {
        if (loaded !== undefined) save.mutate({ ...settingsOf(changesIn(loaded, values)), _id: id });
      }}
      onClose={onClose}
    >
      {queue.data !== undefined && <QueueNow queue={queue.data} onAgents={onAgents} />}
      <QueueFields belowOptions={<IgnoredOptions lines={queue.data?.ignored_options ?? []} />} />
    </FormDrawer>
  );
}
