import { Button, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useChecks } from '@/kit/form/checks';
import { FormBody } from '@/kit/form/FormBody';
import { TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { useWrite } from '@/kit/write';
import { isName } from '@/pbx/checks';
import { BeginHere } from './BeginHere';
import { CHANGED } from './changed';

const INITIAL = { reason: '' };

/** Asks why an agent takes a break, and begins it. */
export function PauseForm({ queue, agent, onClose }: { queue: string; agent: string; onClose: () => void }) {
  const { t } = useTranslation('queues');
  const { t: common } = useTranslation();
  const form = useKitForm({ initial: INITIAL, validate: useChecks({ reason: isName }) });
  const pause = useWrite('/pbx/queues/pause', { form, refresh: CHANGED, onDone: onClose });
  const suggestions = ['lunch', 'prayer', 'training', 'meeting'].map((reason) => t(`reason.${reason}`));
  return (
    <FormBody form={form} onSubmit={({ reason }) => pause.mutate({ queue, agent, paused: true, reason })}>
      <BeginHere>
        <TextField name="reason" suggestions={suggestions} maxLength={80} />
      </BeginHere>
      <Group gap="xs" justify="flex-end">
        <Button variant="default" size="compact-md" onClick={onClose}>
          {common('cancel')}
        </Button>
        <Button type="submit" size="compact-md" loading={pause.isPending}>
          {t('agents.pauseNow')}
        </Button>
      </Group>
    </FormBody>
  );
}
