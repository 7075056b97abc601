/** The fields of an extension's settings, each once, and how they are grouped. */
import { Fragment, type ReactElement, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { FormSection, FullWidth } from '@/kit/form/FormSection';
import type { FieldProps } from '@/kit/form/field';
import {
  ChipsField,
  NumberField,
  SelectField,
  SwitchField,
  TextareaField,
  TextField,
} from '@/kit/form/fields';
import { useFormAround } from '@/kit/form/form';
import { Note } from '@/kit/Note';
import type { SettingName } from './values';

type More = Pick<FieldProps, 'label'>;

const FIELDS: Record<SettingName, (more: More) => ReactElement> = {
  active: (more) => <SwitchField name="active" {...more} />,
  email: (more) => <TextField name="email" ltr type="email" inputMode="email" {...more} />,
  cid_number: (more) => <TextField name="cid_number" ltr inputMode="tel" {...more} />,
  context: (more) => <ContextField name="context" {...more} />,
  call_record: (more) => <SwitchField name="call_record" {...more} />,
  'forward_policy.All': (more) => <TextField name="forward_policy.All" ltr inputMode="tel" {...more} />,
  'forward_policy.Busy': (more) => <TextField name="forward_policy.Busy" ltr inputMode="tel" {...more} />,
  'forward_policy.No Answer': (more) => (
    <TextField name="forward_policy.No Answer" ltr inputMode="tel" {...more} />
  ),
  'forward_policy.UnAvailable': (more) => (
    <TextField name="forward_policy.UnAvailable" ltr inputMode="tel" {...more} />
  ),
  host: (more) => <TextField name="host" ltr suggestions={['dynamic']} {...more} />,
  port: (more) => <NumberField name="port" min={1} max={65535} asText {...more} />,
  type: (more) => <SelectField name="type" choices={['friend', 'user', 'peer']} {...more} />,
  qualify: (more) => <SwitchField name="qualify" {...more} />,
  nat: (more) => (
    <SelectField
      name="nat"
      choices={['force_rport,comedia', 'yes', 'force_rport', 'comedia', 'no']}
      {...more}
    />
  ),
  permit: (more) => <ChipsField name="permit" max={16} {...more} />,
  deny: (more) => <ChipsField name="deny" max={16} {...more} />,
  dtmfmode: (more) => (
    <SelectField name="dtmfmode" choices={['rfc2833', 'info', 'inband', 'auto']} {...more} />
  ),
  directmedia: (more) => <SwitchField name="directmedia" {...more} />,
  canreinvite: (more) => <SwitchField name="canreinvite" {...more} />,
  callgroup: (more) => <NumberField name="callgroup" max={63} asText {...more} />,
  pickupgroup: (more) => <NumberField name="pickupgroup" max={63} asText {...more} />,
  call_limit: (more) => <NumberField name="call_limit" max={9999} asText {...more} />,
  callcounter: (more) => <SwitchField name="callcounter" {...more} />,
  faxdetect: (more) => <SwitchField name="faxdetect" {...more} />,
  user_type: (more) => <SelectField name="user_type" choices={['SIP', 'IAX2']} {...more} />,
  trunk: (more) => <SwitchField name="trunk" {...more} />,
  transfer: (more) => <SelectField name="transfer" choices={['no', 'yes', 'mediaonly']} {...more} />,
  push_notification: (more) => <SwitchField name="push_notification" {...more} />,
  more_options: (more) => <TextareaField name="more_options" ltr {...more} />,
  description: (more) => <TextareaField name="description" {...more} />,
};

/** A setting's field. */
export function Setting({ of, label }: { of: SettingName; label?: string }) {
  return FIELDS[of](label === undefined ? {} : { label });
}

function ContextField(props: FieldProps) {
  const may = useMay();
  const choices = useRead('/calls/choices', undefined, { enabled: may('calls', 'read') });
  return <TextField {...props} ltr suggestions={choices.data?.contexts ?? []} />;
}

export interface SettingSectionsProps {
  /** Draws a setting; as its field when left out. */
  draw?: (name: SettingName) => ReactNode;
  /** Stands below the option lines. */
  belowOptions?: ReactNode;
  /** All of them, whatever the kind of extension. */
  all?: boolean;
}

/** Every setting but those that stand at the top of a form, grouped. */
export function SettingSections({ draw, belowOptions, all = false }: SettingSectionsProps) {
  const { t } = useTranslation('users');
  const form = useFormAround();
  const fields = (...names: SettingName[]) =>
    names.map((name) => <Fragment key={name}>{draw ? draw(name) : <Setting of={name} />}</Fragment>);
  const iax = all || form.values.user_type === 'IAX2';
  return (
    <>
      <FormSection name="calls" columns={2}>
        {fields('context', 'cid_number', 'call_record')}
      </FormSection>
      <FormSection name="forwarding" advanced columns={2}>
        {fields(
          'forward_policy.All',
          'forward_policy.Busy',
          'forward_policy.No Answer',
          'forward_policy.UnAvailable',
        )}
      </FormSection>
      <FormSection name="network" advanced columns={2}>
        <FullWidth>{fields('permit')}</FullWidth>
        <FullWidth>{fields('deny')}</FullWidth>
        {fields('host', 'port', 'type', 'qualify')}
        <FullWidth>{fields('nat')}</FullWidth>
        <FullWidth>{fields('dtmfmode')}</FullWidth>
        {fields('directmedia', 'canreinvite')}
      </FormSection>
      <FormSection name="limits" advanced columns={2}>
        {fields('call_limit', 'callcounter', 'callgroup', 'pickupgroup', 'faxdetect')}
      </FormSection>
      <FormSection name="more" advanced>
        {fields('description', 'more_options')}
        {belowOptions}
        {fields('push_notification', 'user_type')}
        {iax && !all && <Note tone="warn">{t('iaxNote')}</Note>}
        {iax && fields('trunk', 'transfer')}
      </FormSection>
    </>
  );
}
