import { Select } from '@mantine/core';
import type { Choice } from '../form/fields';

export interface FilterSelectProps<V extends string> {
  /** What is filtered by. Read out, and seen in each choice: "Registered or not". */
  label: string;
  choices: readonly (Choice & { value: V; label: string })[];
  value: V;
  onChange: (value: V) => void;
  width?: number;
}

/** A filter of a list above its rows: one of a few choices, the first of which is all. */
export function FilterSelect<V extends string>({
  label,
  choices,
  value,
  onChange,
  width = 170,
}: FilterSelectProps<V>) {
  return (
    <Select
      aria-label={label}
      w={{ base: '100%', sm: width }}
      data={choices.map((choice) => ({ value: choice.value, label: choice.label }))}
      value={value}
      onChange={(next) => next !== null && onChange(next as V)}
    />
  );
}
