import { Autocomplete } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef } from 'react';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { latinDigits } from '@/kit/form/digits';
import { type FieldProps, useField } from '@/kit/form/field';
import formClasses from '@/kit/form/form.module.css';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import classes from './calls.module.css';

const PAUSE = 150;
const OFFERED = 6;
/** As many rows as a list gives at once. */
const MOST = 500;

export interface Offered {
  number: string;
  name: string;
}

/** Extensions, and queues where they are wanted too, whose number or name has what is typed. */
function useOffered(typed: string, queues: boolean): readonly Offered[] {
  const may = useMay();
  const [search] = useDebouncedValue(typed.trim(), PAUSE);
  const query = { search, count: OFFERED, sort: 'number' };
  const people = useRead(
    '/pbx/users/list',
    { ...query, active: 'yes' },
    { enabled: may('pbx.users', 'read') },
  );
  const lines = useRead('/pbx/queues/list', query, { enabled: queues && may('pbx.queues', 'read') });
  // What was offered stays until the next offer is there.
  const last = useRef<readonly Offered[]>([]);
  if (people.data !== undefined || lines.data !== undefined) {
    last.current = [...(people.data?.rows ?? []), ...(lines.data?.rows ?? [])].map(({ number, name }) => ({
      number,
      name,
    }));
  }
  return last.current;
}

/** Whether what is typed is the number of an extension, or the beginning of one, as far as may be known. */
export function useMayBeExtension(typed: string): boolean {
  const may = useMay();
  const [asked] = useDebouncedValue(typed, PAUSE);
  const found = useRead(
    '/pbx/users/list',
    { search: asked, count: MOST, sort: 'number' },
    { enabled: asked !== '' && may('pbx.users', 'read') },
  );
  const last = useRef(true);
  if (!may('pbx.users', 'read')) last.current = false;
  else if (asked === '') last.current = true;
  else if (found.data !== undefined) {
    last.current = found.data.rows.some((row) => row.number.startsWith(asked));
  }
  return last.current;
}

/** A number to call, with those that there are offered by number and name. */
export function PartyField({ queues = false, ...props }: FieldProps & { queues?: boolean }) {
  const { shared, value, set } = useField(props);
  const typed = String(value ?? '');
  const offered = useOffered(typed, queues);
  const names = new Map(offered.map(({ number, name }) => [number, name]));
  return (
    <Autocomplete
      {...shared}
      inputMode="tel"
      autoComplete="off"
      maxLength={32}
      classNames={{ input: formClasses.ltr }}
      data={[...names.keys()]}
      // The server has found them, by name too.
      filter={({ options }) => options}
      renderOption={({ option }) => (
        <span className={classes.offered}>
          <PhoneNumber>{option.value}</PhoneNumber>
          <Name>{names.get(option.value) ?? ''}</Name>
        </span>
      )}
      value={typed}
      onChange={(text) => set(latinDigits(text))}
    />
  );
}
