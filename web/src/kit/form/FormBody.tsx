import { Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { Note } from '../Note';
import { FormProvider, type FormValues, type KitForm } from './form';

export interface FormBodyProps<V extends FormValues> {
  id?: string;
  form: KitForm<V>;
  onSubmit: (values: V) => void;
  children: ReactNode;
}

/** The fields of a form, and on top of them what is wrong with the whole. */
export function FormBody<V extends FormValues>({ id, form, onSubmit, children }: FormBodyProps<V>) {
  return (
    <FormProvider value={form}>
      <form
        id={id}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          event.stopPropagation();
          form.submit(onSubmit);
        }}
      >
        <Stack gap="lg">
          {form.wholeError !== null && (
            <Note tone="bad" urgent ref={intoView} key={form.wholeError}>
              {form.wholeError}
            </Note>
          )}
          {children}
        </Stack>
      </form>
    </FormProvider>
  );
}

function intoView(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}
