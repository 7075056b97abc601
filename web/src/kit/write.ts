/** Changing something, and telling what became of it: always the same way. */
import type { UseMutationResult } from '@tanstack/react-query';
import type { BodyOf, DoneOf, WritePath } from '@/api/client';
import { ApiError } from '@/api/errors';
import { useWriteQuietly, type WriteOptions } from '@/api/queries';
import { useErrorText } from './errors';
import type { FormValues, KitForm } from './form/form';
import { notify } from './notify';

export interface KitWriteOptions<P extends WritePath> extends WriteOptions<P> {
  /** Told when it is done; nothing when left out, or when something else tells. */
  done?: string | ((answer: DoneOf<P>, body: BodyOf<P>) => string | undefined);
  /** Shows errors of its fields at the fields, and all others above them. */
  // biome-ignore lint/suspicious/noExplicitAny: the form's values need not be those of the service
  form?: KitForm<any>;
  /** What the service says before the names of the form's fields: `settings.`. */
  prefix?: string;
  /** Codes that the caller deals with in `onFailed`; nothing is told of them. */
  handled?: readonly string[];
}

/**
 * Calls a service that changes something: `const save = useWrite('/pbx/users/add', {...}); save.mutate(body)`.
 *
 * What fails is shown at the form's field it belongs to, else on top of the form, else as a notification.
 */
export function useWrite<P extends WritePath>(
  path: P,
  { done, form, prefix = '', handled = [], onDone, onFailed, ...options }: KitWriteOptions<P> = {},
): UseMutationResult<DoneOf<P>, ApiError, BodyOf<P>> {
  const errorText = useErrorText();
  return useWriteQuietly(path, {
    ...options,
    onDone: (answer, body) => {
      form?.settled();
      const told = typeof done === 'function' ? done(answer, body) : done;
      if (told !== undefined) notify.done(told);
      onDone?.(answer, body);
    },
    onFailed: (error, body) => {
      onFailed?.(error, body);
      if (handled.includes(error.code) || error.code === 'signed_out') return;
      const field = error.field?.startsWith(prefix) ? error.field.slice(prefix.length) : error.field;
      const text = errorText(new ApiError(error.status, error.code, error.message, field, error.params));
      if (form === undefined) notify.failed(text);
      else if (field !== null && hasField(form, field)) form.failField(field, text);
      else form.failWhole(text);
    },
  });
}

/** Whether a form has a field of that dotted name. */
function hasField(form: KitForm<FormValues>, name: string): boolean {
  let value: unknown = form.values;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !(part in value)) return false;
    value = (value as Record<string, unknown>)[part];
  }
  return true;
}
