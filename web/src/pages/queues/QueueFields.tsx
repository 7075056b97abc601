/** The fields of a queue, grouped. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { FormSection, FullWidth } from '@/kit/form/FormSection';
import {
  NumberField,
  RadioField,
  SelectField,
  SwitchField,
  TextareaField,
  TextField,
} from '@/kit/form/fields';
import { DAY, MOST } from './values';

const STRATEGIES = [
  'ringall',
  'rrmemory',
  'leastrecent',
  'fewestcalls',
  'random',
  'wrandom',
  'linear',
  'rrordered',
];

export interface QueueFieldsProps {
  /** The number is not there yet: the cursor begins in it. */
  added?: boolean;
  /** Stands below the option lines. */
  belowOptions?: ReactNode;
}

export function QueueFields({ added = false, belowOptions }: QueueFieldsProps) {
  const { t } = useTranslation('queues');
  const seconds = { unit: t('seconds'), max: DAY, asText: true } as const;
  return (
    <>
      <FormSection name="basic" columns={2}>
        <TextField name="number" first={added} ltr inputMode="numeric" maxLength={20} />
        <TextField name="name" maxLength={80} />
        <SwitchField name="call_record" />
      </FormSection>
      <FormSection name="ringing" columns={2}>
        <FullWidth>
          <RadioField name="strategy" choices={STRATEGIES} />
        </FullWidth>
        <NumberField name="timeout" {...seconds} />
        <NumberField name="retry" {...seconds} />
        <NumberField name="wrapuptime" {...seconds} />
        <SwitchField name="ringinuse" />
      </FormSection>
      <FormSection name="waiting" columns={2}>
        <TextField name="music" ltr suggestions={['default']} />
        <NumberField name="maxlen" max={MOST} asText />
        <SelectField name="joinempty" choices={['strict', 'no', 'yes']} />
        <SwitchField name="leavewhenempty" />
      </FormSection>
      <FormSection name="announcements" advanced columns={2}>
        <SwitchField name="announce_position" />
        <SwitchField name="announce_holdtime" />
        <NumberField name="announce_frequency" {...seconds} />
        <NumberField name="min_announce_frequency" {...seconds} />
        <NumberField name="periodic_announce_frequency" {...seconds} />
        <SwitchField name="reportholdtime" />
        <TextField name="queue_youarenext" ltr />
        <TextField name="queue_thereare" ltr />
        <TextField name="queue_callswaiting" ltr />
        <TextField name="queue_thankyou" ltr />
      </FormSection>
      <FormSection name="more" advanced columns={2}>
        <NumberField name="weight" max={MOST} asText />
        <NumberField name="servicelevel" {...seconds} />
        <SwitchField name="autofill" />
        <SwitchField name="setinterfacevar" />
        <SwitchField name="setqueuevar" />
        <SwitchField name="setqueueentryvar" />
        <FullWidth>
          <TextareaField name="more_options" ltr />
          {belowOptions}
        </FullWidth>
      </FormSection>
      <FormSection name="kept" advanced columns={2}>
        <SwitchField name="persistentmembers" />
        <SwitchField name="shared_lastcall" />
        <SelectField name="monitor_type" choices={['MixMonitor']} />
        <SelectField name="monitor_format" choices={['wav', 'gsm', 'wav49']} />
      </FormSection>
    </>
  );
}
