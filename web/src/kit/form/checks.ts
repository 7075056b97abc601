/** Says what is wrong with fields in the words that the page has for the server's refusal of them. */
import type { FormErrors } from '@mantine/form';
import { ApiError } from '@/api/errors';
import { useErrorText } from '../errors';
import { type FormValues, valueAt } from './form';

/** By dotted name of a field: whether a value fits. */
export type Checks<V extends FormValues> = Record<string, (value: never, values: V) => boolean>;

/**
 * Makes the `validate` of a form: `validate: useChecks({port: isPort})`. What does not fit has the page's text
 * `error.invalid_port`, as when the server says so.
 */
export function useChecks<V extends FormValues>(checks: Checks<V>): (values: V) => FormErrors {
  const errorText = useErrorText();
  return (values) =>
    Object.fromEntries(
      Object.entries(checks)
        .filter(([name, fits]) => !fits(valueAt(values, name) as never, values))
        .map(([name]) => [name, errorText(new ApiError(422, 'invalid', '', name))]),
    );
}
