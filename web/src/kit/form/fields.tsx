/** The fields of forms. Each is bound to the form around it by its `name`. */
import {
  Autocomplete,
  Checkbox,
  NumberInput,
  Pill,
  Radio,
  Select,
  Stack,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { HTMLInputAutoCompleteAttribute, HTMLInputTypeAttribute } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTexts } from '@/app/page-context';
import { latinDigits } from './digits';
import { type FieldProps, useField } from './field';
import classes from './form.module.css';

export interface TextFieldProps extends FieldProps {
  /** The value is a code, a number to dial or an address: it is written from left to right, in Latin digits. */
  ltr?: boolean;
  /** Offered while typing; other values can be typed all the same. */
  suggestions?: readonly string[];
  type?: HTMLInputTypeAttribute;
  inputMode?: 'text' | 'numeric' | 'tel' | 'email' | 'url';
  autoComplete?: HTMLInputAutoCompleteAttribute;
  maxLength?: number;
}

/** What is offered opens by a click or by typing: a field that the focus is put into shows what is wrong with it. */
const QUIET = { openOnFocus: false } as const;

/** One line of text. */
export function TextField({
  ltr = false,
  suggestions,
  type,
  inputMode,
  autoComplete = 'off',
  maxLength,
  ...props
}: TextFieldProps) {
  const { shared, value, set } = useField(props);
  const input = {
    ...shared,
    inputMode,
    autoComplete,
    maxLength,
    // Without a direction of its own, what is typed decides: names are Persian or Latin.
    classNames: { input: ltr ? classes.ltr : undefined },
    dir: ltr ? undefined : 'auto',
    value: String(value ?? ''),
  };
  const take = (text: string) => set(ltr ? latinDigits(text) : text);
  // Also before there are any: a field that becomes another one would lose the focus.
  if (suggestions !== undefined) {
    return <Autocomplete {...input} {...QUIET} data={[...suggestions]} onChange={take} />;
  }
  return <TextInput {...input} type={type} onChange={(event) => take(event.currentTarget.value)} />;
}

export interface TextareaFieldProps extends FieldProps {
  ltr?: boolean;
  /** Lines to begin with; it grows. */
  rows?: number;
}

/** Several lines of text. */
export function TextareaField({ ltr = false, rows = 3, ...props }: TextareaFieldProps) {
  const { shared, value, set } = useField(props);
  return (
    <Textarea
      {...shared}
      autosize
      minRows={rows}
      maxRows={12}
      classNames={{ input: ltr ? classes.ltrCode : undefined }}
      dir={ltr ? undefined : 'auto'}
      value={String(value ?? '')}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
}

export interface NumberFieldProps extends FieldProps {
  min?: number;
  max?: number;
  step?: number;
  /** Said after the number: "seconds". */
  unit?: string;
  /** The value is kept as text, as the Simotel API has it; blank is the empty text. Else blank is `null`. */
  asText?: boolean;
}

/** A number. */
export function NumberField({ min = 0, max, step = 1, unit, asText = false, ...props }: NumberFieldProps) {
  const { shared, value, set } = useField(props);
  return (
    <NumberInput
      {...shared}
      min={min}
      max={max}
      step={step}
      allowDecimal={false}
      allowNegative={min < 0}
      clampBehavior="blur"
      hideControls
      inputMode="numeric"
      classNames={{ input: classes.ltr }}
      rightSection={unit === undefined ? undefined : <span className={classes.unit}>{unit}</span>}
      rightSectionWidth={unit === undefined ? undefined : `calc(${unit.length}ch + 16px)`}
      value={typeof value === 'number' || typeof value === 'string' ? value : ''}
      onChange={(next) => set(asText ? String(next) : next === '' ? null : next)}
    />
  );
}

export interface SwitchFieldProps extends FieldProps {
  /** Values for on and off: "yes" and "no" as the Simotel API has them, or `true` and `false`. */
  values?: readonly [on: string | boolean, off: string | boolean];
}

/** Yes or no. */
export function SwitchField({ values = ['yes', 'no'], ...props }: SwitchFieldProps) {
  const { shared, value, set } = useField(props);
  const { placeholder: _, required: __, withAsterisk: ___, ...rest } = shared;
  return (
    <Switch
      {...rest}
      className={classes.switch}
      checked={value === values[0]}
      onChange={(event) => set(event.currentTarget.checked ? values[0] : values[1])}
    />
  );
}

/** Like {@link SwitchField}, for `true` and `false`, as a box to tick: for agreeing to something. */
export function CheckboxField(props: FieldProps) {
  const { shared, value, set } = useField(props);
  const { placeholder: _, required: __, withAsterisk: ___, ...rest } = shared;
  return (
    <Checkbox {...rest} checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />
  );
}

export interface Choice {
  value: string;
  /** In place of the page's `option.<field>.<value>`, or the value where there is none. */
  label?: string;
  /** Says more of it. */
  help?: string;
}

/** Choices with their texts. */
function useChoices(name: string, choices: readonly (string | Choice)[]): Required<Omit<Choice, 'help'>>[] {
  const { textIfAny } = usePageTexts();
  return choices.map((choice) => {
    const { value, label } = typeof choice === 'string' ? { value: choice, label: undefined } : choice;
    return { value, label: label ?? textIfAny(`option.${name}.${value}`) ?? value };
  });
}

export interface SelectFieldProps extends FieldProps {
  choices: readonly (string | Choice)[];
  /** Can be searched by typing; on by itself for long lists. */
  searchable?: boolean;
  /** Can be emptied. */
  clearable?: boolean;
}

/** One of several choices. */
export function SelectField({ choices, searchable, clearable = false, ...props }: SelectFieldProps) {
  const { t } = useTranslation();
  const { shared, value, set } = useField(props);
  const data = useChoices(props.name, choices);
  // A stored value that is no longer among the choices is shown all the same.
  const stored = typeof value === 'string' ? value : '';
  const known = stored === '' || data.some((choice) => choice.value === stored);
  return (
    <Select
      {...shared}
      data={known ? data : [...data, { value: stored, label: stored }]}
      searchable={searchable ?? data.length > 12}
      clearable={clearable}
      allowDeselect={false}
      nothingFoundMessage={t('field.nothingFound')}
      clearButtonProps={{ 'aria-label': t('field.clear') }}
      value={stored === '' && !data.some((choice) => choice.value === '') ? null : stored}
      onChange={(next) => set(next ?? '')}
    />
  );
}

export interface RadioFieldProps extends FieldProps {
  /** Each with its explanation: `option.<name>.<value>` and `option.<name>.<value>_help` in the page's texts. */
  choices: readonly (string | Choice)[];
}

/** One of a few choices, all of them in sight. */
export function RadioField({ choices, ...props }: RadioFieldProps) {
  const { shared, value, set } = useField(props);
  const { textIfAny } = usePageTexts();
  const data = useChoices(props.name, choices);
  const { placeholder: _, name, 'data-path': path, onFocus: __, onBlur: ___, disabled, ...rest } = shared;
  return (
    <Radio.Group {...rest} name={name} value={String(value ?? '')} onChange={set}>
      <Stack gap="xs" mt="2xs" mb="2xs">
        {data.map((choice, index) => (
          <Radio
            key={choice.value}
            value={choice.value}
            label={choice.label}
            disabled={disabled}
            description={helpOf(choices, choice.value) ?? textIfAny(`option.${name}.${choice.value}_help`)}
            data-path={index === 0 ? path : undefined}
          />
        ))}
      </Stack>
    </Radio.Group>
  );
}

function helpOf(choices: readonly (string | Choice)[], value: string): string | undefined {
  const found = choices.find((choice) => typeof choice !== 'string' && choice.value === value);
  return typeof found === 'object' ? found.help : undefined;
}

export interface ChipsFieldProps extends FieldProps {
  /** Offered while typing; other values can be typed all the same. */
  suggestions?: readonly string[];
  max?: number;
  /** Those that cannot be used, each with what is wrong with it: they stand out, and it is told below. */
  wrong?: ReadonlyMap<string, string>;
}

/** Several short values: type one and press Enter, or paste many. */
export function ChipsField({ suggestions = [], max, wrong, ...props }: ChipsFieldProps) {
  const { t } = useTranslation();
  const { shared, value, set } = useField({ placeholder: t('field.typeAndEnter'), ...props });
  const chips = Array.isArray(value) ? value.map(String) : [];
  const faults = chips.flatMap((chip) => wrong?.get(chip) ?? []);
  return (
    <TagsInput
      {...shared}
      {...QUIET}
      error={faults.length > 0 ? [...new Set(faults)].join(' ') : shared.error}
      renderPill={({ option, onRemove, disabled }) => (
        <Pill
          className={classes.chip}
          data-wrong={wrong?.has(String(option.value)) || undefined}
          title={wrong?.get(String(option.value))}
          withRemoveButton
          disabled={disabled}
          onRemove={onRemove}
        >
          {option.value}
        </Pill>
      )}
      placeholder={chips.length === 0 ? shared.placeholder : undefined}
      data={[...suggestions]}
      splitChars={[',', ' ', ';', '،', '\n', '\t']}
      acceptValueOnBlur
      clearable
      clearButtonProps={{ 'aria-label': t('field.clear') }}
      maxTags={max}
      value={chips}
      onChange={set}
    />
  );
}
