/** What all fields have in common. */
import { usePageTexts } from '@/app/page-context';
import { useFormAround } from './form';

export interface FieldProps {
  /** Dotted name of the value. Texts are looked for in the page's `field.<name>.label` and `field.<name>.help`. */
  name: string;
  /** In place of `field.<name>.label`. */
  label?: string;
  /** In place of `field.<name>.help`; `false`: none. */
  help?: string | false;
  disabled?: boolean;
  placeholder?: string;
  /** The cursor begins here when the dialog around it opens. */
  first?: boolean;
}

/** Everything that a field hands to the input. */
export function useField({ name, label, help, disabled, placeholder, first }: FieldProps) {
  const form = useFormAround();
  const { text, textIfAny } = usePageTexts();
  const input = form.inner.getInputProps(name);
  return {
    form,
    /** The value, and a setter that takes a value. */
    value: input.value as unknown,
    set: (value: unknown) => form.inner.setFieldValue(name, value),
    shared: {
      name,
      'data-path': name,
      'data-autofocus': first || undefined,
      label: label ?? text(`field.${name}.label`),
      description: help === false ? undefined : (help ?? textIfAny(`field.${name}.help`)),
      error: input.error,
      disabled,
      placeholder,
      required: form.required.has(name),
      withAsterisk: form.required.has(name),
      onFocus: input.onFocus,
      onBlur: (event: unknown) => {
        input.onBlur?.(event);
        form.check(name);
      },
    },
  };
}
