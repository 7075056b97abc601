/** The register string: by its parts, or as it is. Whichever is written, the other one follows. */
import { PasswordInput, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { latinDigits } from '@/kit/form/digits';
import { type FieldProps, useField } from '@/kit/form/field';
import { MASK, partsOf, type Registration } from './registration';
import classes from './trunks.module.css';
import { type TrunkValues, withRegistration } from './values';

/** A part of the register string; its name is `registration.<part>`. */
export function PartField({
  inputMode,
  ...props
}: FieldProps & { inputMode?: 'tel' | 'numeric' | 'url' | 'text' }) {
  const { shared, value, write } = usePart(props);
  return (
    <TextInput
      {...shared}
      inputMode={inputMode}
      autoComplete="off"
      spellCheck={false}
      classNames={{ input: classes.ltr }}
      value={value}
      onChange={(event) => write(latinDigits(event.currentTarget.value))}
    />
  );
}

/** The secret in the register string. One that is stored is not shown and stays until another is written. */
export function SecretPartField(props: FieldProps) {
  const { t } = useTranslation('trunks');
  const { t: common } = useTranslation();
  const { shared, value, write } = usePart(props);
  const stored = value === MASK;
  return (
    <PasswordInput
      {...shared}
      autoComplete="new-password"
      spellCheck={false}
      classNames={{ innerInput: classes.ltr }}
      visibilityToggleButtonProps={{ 'aria-label': common('field.showPassword') }}
      placeholder={stored ? t('secretUnchanged') : undefined}
      value={stored ? '' : value}
      onChange={(event) => write(event.currentTarget.value)}
    />
  );
}

/** The register string as it is stored. */
export function RegisterStringField(props: FieldProps) {
  const { shared, value, form } = useField(props);
  return (
    <TextInput
      {...shared}
      autoComplete="off"
      spellCheck={false}
      classNames={{ input: classes.code }}
      value={String(value ?? '')}
      onChange={(event) => {
        const text = event.currentTarget.value;
        form.inner.setValues({ register_string: text, registration: partsOf(text) });
      }}
    />
  );
}

function usePart(props: FieldProps) {
  const { shared, value, form } = useField(props);
  const part = props.name.replace('registration.', '') as keyof Registration;
  return {
    shared,
    value: String(value ?? ''),
    write: (text: string) => {
      const { registration } = form.values as TrunkValues;
      form.inner.setValues(withRegistration({ [part]: text }, registration));
    },
  };
}
