import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RowOf } from '@/api/client';
import { useChecks } from '@/kit/form/checks';
import { FormBody } from '@/kit/form/FormBody';
import { NumberField, TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { Note } from '@/kit/Note';
import { useWrite } from '@/kit/write';
import { isNumber, orBlank } from '@/pbx/checks';
import classes from './agents.module.css';
import { BeginHere } from './BeginHere';
import { CHANGED } from './changed';

const MOST_PENALTY = 999_999;

export interface JoinFormProps {
  /** Number of the queue. */
  queue: string;
  candidate: RowOf<'/pbx/queues/candidates'>;
  onClose: () => void;
}

/** Puts somebody into a queue who may have another number than the phone, or a penalty. */
export function JoinForm({ queue, candidate, onClose }: JoinFormProps) {
  const { t } = useTranslation('queues');
  const { t: common } = useTranslation();
  const [initial] = useState({ agent: candidate.mapped ?? candidate.number, penalty: 0 as number | null });
  const form = useKitForm({
    initial,
    required: ['agent'],
    validate: useChecks({ agent: orBlank(isNumber) }),
  });
  const join = useWrite('/pbx/queues/join', {
    form,
    refresh: CHANGED,
    done: (_, { agent }) => t('agents.joinedNow', { agent, queue }),
    onDone: onClose,
  });
  const { mapped, number } = candidate;
  const replaced = mapped !== null && form.values.agent !== mapped;
  return (
    <FormBody
      form={form}
      onSubmit={({ agent, penalty }) => join.mutate({ queue, agent, phone: number, penalty: penalty ?? 0 })}
    >
      <div className={classes.pair}>
        <BeginHere>
          <TextField name="agent" ltr inputMode="numeric" maxLength={20} />
        </BeginHere>
        <NumberField name="penalty" max={MOST_PENALTY} />
      </div>
      {replaced && <Note tone="warn">{t('candidates.replaces', { agent: mapped, phone: number })}</Note>}
      <Group gap="xs" justify="flex-end">
        <Button variant="default" size="compact-md" onClick={onClose}>
          {common('cancel')}
        </Button>
        <Button type="submit" size="compact-md" loading={join.isPending}>
          {t('candidates.addNow')}
        </Button>
      </Group>
    </FormBody>
  );
}
