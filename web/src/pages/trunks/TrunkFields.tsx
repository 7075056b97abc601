/** The fields of a trunk, grouped; those that its kind has. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { FormSection, FullWidth } from '@/kit/form/FormSection';
import {
  ChipsField,
  NumberField,
  RadioField,
  SelectField,
  SwitchField,
  TextareaField,
  TextField,
} from '@/kit/form/fields';
import { useFormAround } from '@/kit/form/form';
import { Note } from '@/kit/Note';
import { PartField, RegisterStringField, SecretPartField } from './RegistrationFields';
import type { TrunkValues } from './values';

const CODECS = ['ulaw', 'alaw', 'g722', 'g729', 'gsm', 'opus', 'ilbc', 'speex', 'h264', 'vp8'];

export interface TrunkFieldsProps {
  /** The name is not there yet: the cursor begins in it. */
  added?: boolean;
  /** Stands below the option lines. */
  belowOptions?: ReactNode;
}

export function TrunkFields({ added = false, belowOptions }: TrunkFieldsProps) {
  const { t } = useTranslation('trunks');
  const values = useFormAround().values as TrunkValues;
  const kind = values.trunk_type;
  return (
    <>
      <FormSection name="basic" columns={2}>
        <TextField name="name" first={added} ltr maxLength={60} />
        <SelectField name="trunk_type" choices={['SIP', 'IAX2', 'DAHDI']} />
        <SwitchField name="active" />
        {kind === 'DAHDI' && <TextField name="context" ltr />}
      </FormSection>
      {kind !== 'SIP' && <Note tone="warn">{t('keptOnly', { kind })}</Note>}
      {kind !== 'DAHDI' && <NetworkTrunkFields registers={values.registers === 'yes'} />}
      <FormSection name="more" advanced>
        <TextareaField name="description" />
        {kind !== 'DAHDI' && <TextareaField name="more_options" ltr />}
        {belowOptions}
      </FormSection>
    </>
  );
}

function NetworkTrunkFields({ registers }: { registers: boolean }) {
  return (
    <>
      <FormSection name="provider" columns={2}>
        <TextField name="host" ltr inputMode="url" />
        <NumberField name="port" min={1} max={65535} asText />
        <FullWidth>
          <SwitchField name="registers" />
        </FullWidth>
        {registers && (
          <>
            <PartField name="registration.user" />
            <SecretPartField name="registration.secret" />
            <PartField name="registration.host" inputMode="url" />
            <PartField name="registration.number" inputMode="tel" />
          </>
        )}
      </FormSection>
      {registers && (
        <FormSection name="registration" advanced columns={2}>
          <PartField name="registration.port" inputMode="numeric" />
          <PartField name="registration.auth_user" />
          <FullWidth>
            <PartField name="registration.domain" inputMode="url" />
          </FullWidth>
          <FullWidth>
            <RegisterStringField name="register_string" />
          </FullWidth>
        </FormSection>
      )}
      <FormSection name="calls">
        <TextField name="context" ltr />
        <RadioField name="insecure" choices={['port,invite', 'invite', 'port']} />
        <SelectField name="type" choices={['friend', 'user', 'peer']} />
      </FormSection>
      <FormSection name="sound" advanced columns={2}>
        <FullWidth>
          <ChipsField name="allow" suggestions={CODECS} />
        </FullWidth>
        <FullWidth>
          <ChipsField name="disallow" suggestions={['all', ...CODECS]} />
        </FullWidth>
        <FullWidth>
          <SelectField name="dtmfmode" choices={['rfc2833', 'info', 'inband', 'auto']} />
        </FullWidth>
        <SwitchField name="directmedia" />
        <SwitchField name="canreinvite" />
      </FormSection>
      <FormSection name="network" advanced columns={2}>
        <FullWidth>
          <ChipsField name="permit" max={16} />
        </FullWidth>
        <FullWidth>
          <ChipsField name="deny" max={16} />
        </FullWidth>
        <SelectField name="nat" choices={['force_rport,comedia', 'yes', 'force_rport', 'comedia', 'no']} />
        <SwitchField name="qualify" />
      </FormSection>
    </>
  );
}
