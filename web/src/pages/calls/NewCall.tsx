import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection } from '@/kit/form/FormSection';
import { NumberField, SelectField, TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { Note } from '@/kit/Note';
import { useWrite } from '@/kit/write';
import { PartyField, useMayBeExtension } from './PartyField';

const TIMEOUT = 30;
const MAX_TIMEOUT = 600;
const MAX_LIMIT = 86_400;
const INITIAL = {
  caller: '',
  callee: '',
  trunk_name: '',
  context: 'main_routing',
  caller_id: '',
  timeout: TIMEOUT as number | null,
  call_limit: null as number | null,
};

export interface NewCallProps {
  onClose: () => void;
  /** The call is on its way; by this id it is known. */
  onStarted: (callId: string) => void;
}

/** Starts a call between two parties: the caller's phone rings first. */
export function NewCall({ onClose, onStarted }: NewCallProps) {
  const { t } = useTranslation('calls');
  const choices = useRead('/calls/choices');
  const form = useKitForm({
    initial: INITIAL,
    required: ['caller', 'callee', 'context'],
    validate: ({ caller, callee }) =>
      caller !== '' && caller.trim() === callee.trim() ? { callee: t('sameNumber') } : {},
  });
  const start = useWrite('/calls/originate', { form, onDone: ({ call_id }) => onStarted(call_id) });
  const caller = form.values.caller.trim();
  const inside = useMayBeExtension(caller);
  const trunks = choices.data?.trunks ?? [];
  // The server knows better: what it says about the trunk has to be seen.
  const outside = caller !== '' && (!inside || 'trunk_name' in form.inner.errors);
  return (
    <FormDrawer
      title={t('newCall')}
      form={form}
      query={choices}
      busy={start.isPending}
      submit={t('startCall')}
      onClose={onClose}
      onSubmit={(values) =>
        start.mutate({
          caller: values.caller.trim(),
          callee: values.callee.trim(),
          trunk_name: outside ? values.trunk_name : '',
          context: values.context,
          caller_id: values.caller_id.trim(),
          timeout: values.timeout ?? TIMEOUT,
          call_limit: values.call_limit ?? 0,
        })
      }
    >
      <Note>{t('newCallExplained')}</Note>
      <FormSection name="parties">
        <PartyField name="caller" />
        {outside && (
          <SelectField
            name="trunk_name"
            clearable
            choices={trunks}
            help={t(trunks.length === 0 ? 'noTrunks' : 'field.trunk_name.help')}
          />
        )}
        <PartyField name="callee" queues />
      </FormSection>
      <FormSection name="more" advanced columns={2}>
        <TextField name="caller_id" maxLength={80} />
        <SelectField name="context" choices={choices.data?.contexts ?? []} />
        <NumberField name="timeout" min={1} max={MAX_TIMEOUT} unit={t('seconds')} />
        <NumberField
          name="call_limit"
          min={0}
          max={MAX_LIMIT}
          unit={t('seconds')}
          placeholder={t('noLimit')}
        />
      </FormSection>
    </FormDrawer>
  );
}
