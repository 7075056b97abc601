/** The state of a form: values, what is wrong with them, whether they were changed. */
import { type FormErrors, type UseFormReturnType, useForm } from '@mantine/form';
import { createContext, useContext, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

// biome-ignore lint/suspicious/noExplicitAny: values of any form
export type FormValues = Record<string, any>;

export interface KitFormOptions<V extends FormValues> {
  /** Values of a new thing, and until those of an existing one are there. */
  initial: V;
  /** Values of an existing thing, once they are read. Later ones are taken over while nothing was changed. */
  loaded?: V | undefined;
  /** Dotted names of fields that must be filled in; a function, when it depends on others. */
  required?: readonly string[] | ((values: V) => readonly string[]);
  /** What else is wrong, by field. The server checks everything again. */
  validate?: (values: V) => FormErrors;
}

export interface KitForm<V extends FormValues> {
  values: V;
  required: ReadonlySet<string>;
  /** What is wrong with the whole, told on top of it. */
  wholeError: string | null;
  inner: UseFormReturnType<V>;
  set: <N extends keyof V & string>(name: N, value: V[N]) => void;
  isDirty: () => boolean;
  /** Says that the values are stored as they are. */
  settled: () => void;
  /** Says what is wrong with a field that was left; that it is blank is only said when the form is sent. */
  check: (name: string) => void;
  failField: (name: string, text: string) => void;
  failWhole: (text: string) => void;
  /** Calls `send` when nothing is wrong, else shows the first field at fault. */
  submit: (send: (values: V) => void) => void;
  reset: () => void;
}

/** Makes a form. */
export function useKitForm<V extends FormValues>({
  initial,
  loaded,
  required = [],
  validate,
}: KitFormOptions<V>): KitForm<V> {
  const { t } = useTranslation();
  const [wholeError, setWholeError] = useState<string | null>(null);
  const needed = typeof required === 'function' ? required : () => required;
  const inner = useForm<V>({
    mode: 'controlled',
    initialValues: loaded ?? initial,
    validate: (values) => {
      const missing = needed(values).filter((name) => isBlank(valueAt(values, name)));
      return {
        ...validate?.(values),
        ...Object.fromEntries(missing.map((name) => [name, t('field.fillIn')])),
      };
    },
  });
  const latest = useRef(inner);
  latest.current = inner;

  const told = useRef(loaded);
  useEffect(() => {
    if (loaded === undefined || loaded === told.current) return;
    const form = latest.current;
    if (told.current !== undefined && form.isDirty()) return;
    told.current = loaded;
    form.setInitialValues(loaded);
    form.setValues(loaded);
    form.resetDirty(loaded);
  }, [loaded]);

  return {
    values: inner.values,
    required: new Set(needed(inner.values)),
    wholeError,
    inner,
    set: (name, value) => inner.setFieldValue(name as never, value as never),
    isDirty: () => latest.current.isDirty(),
    settled: () => latest.current.resetDirty(),
    check: (name) => {
      const wrong = validate?.(latest.current.values)[name];
      if (wrong !== undefined && wrong !== null) latest.current.setFieldError(name, wrong);
    },
    failField: (name, text) => {
      latest.current.setFieldError(name, text);
      showField(name);
    },
    failWhole: setWholeError,
    submit: (send) => {
      setWholeError(null);
      const { hasErrors, errors } = inner.validate();
      const first = Object.keys(errors)[0];
      if (hasErrors && first !== undefined) showField(firstOnScreen(Object.keys(errors)) ?? first);
      else send(inner.values);
    },
    reset: () => {
      setWholeError(null);
      inner.reset();
    },
  };
}

/** Puts the cursor into a field, wherever it is folded away. */
function showField(name: string): void {
  requestAnimationFrame(() => {
    const field = fieldOf(name);
    if (field === null) return;
    const folded = field.closest('details');
    if (folded !== null) folded.open = true;
    field.focus();
    field.scrollIntoView({ block: 'center', behavior: 'instant' });
  });
}

function fieldOf(name: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-path="${CSS.escape(name)}"]`);
}

function firstOnScreen(names: string[]): string | undefined {
  const wanted = new Set(names);
  for (const field of document.querySelectorAll<HTMLElement>('[data-path]')) {
    if (field.dataset.path !== undefined && wanted.has(field.dataset.path)) return field.dataset.path;
  }
  return undefined;
}

/** The value of a dotted name. */
export function valueAt(values: unknown, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], values);
}

function isBlank(value: unknown): boolean {
  return (
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
  );
}

// biome-ignore lint/suspicious/noExplicitAny: fields of any form
const FormContext = createContext<KitForm<any> | null>(null);

export const FormProvider = FormContext.Provider;

/** The form that a field stands in. */
// biome-ignore lint/suspicious/noExplicitAny: fields of any form
export function useFormAround(): KitForm<any> {
  const form = useContext(FormContext);
  if (form === null) throw new Error('a field stands outside of a form');
  return form;
}
