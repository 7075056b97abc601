import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { useRead } from '@/api/queries';
import { ChipsField, SwitchField } from '@/kit/form/fields';
import { useFormAround } from '@/kit/form/form';
import { Note } from '@/kit/Note';
import { LockedOutText } from './LockedOutText';
import { Resettable } from './Resettable';
import classes from './settings.module.css';
import type { Settings, Values } from './values';

type Check = AnswerOf<'/settings/check_addresses'>;

const PAUSE = 300;
const NOTHING: Check = { locked_out: [], invalid: [] };

/** What the server says of the addresses as they stand in the form. What was said before holds until it answers. */
export function useAddressCheck(settings: Settings, values: Values): Check {
  const wanted = JSON.stringify([values.allow_all_ips, values.allowed_ips]);
  const stored = JSON.stringify([settings.allow_all_ips, settings.allowed_ips]);
  const [asked] = useDebouncedValue(wanted, PAUSE);
  const [everybody, addresses] = JSON.parse(asked) as [boolean, string[]];
  const check = useRead(
    '/settings/check_addresses',
    // In a query an empty list is one empty text: without it the stored list would be checked.
    { allow_all_ips: everybody, allowed_ips: addresses.length === 0 ? [''] : addresses },
    { enabled: asked !== stored },
  );
  const told = useRef(NOTHING);
  if (check.data !== undefined) told.current = check.data;
  return wanted === stored ? NOTHING : told.current;
}

/** Who may reach the Simotel API at all. */
export function AllowedAddresses({ settings, check }: { settings: Settings; check: Check }) {
  const { t } = useTranslation('settings');
  const form = useFormAround();
  const { allow_all_ips: everybody, allowed_ips: addresses } = form.values as Values;
  const wrong = new Map(check.invalid.map((item) => [item, t('wrongAddress', { item })]));
  const missing = [...new Set(check.locked_out.map((one) => one.address))];
  return (
    <>
      <Resettable name="allow_all_ips" defaults={settings.defaults}>
        <SwitchField name="allow_all_ips" values={[true, false]} />
      </Resettable>
      {everybody && <Note tone="warn">{t('everybodyNote')}</Note>}
      <Resettable name="allowed_ips" defaults={settings.defaults}>
        <ChipsField
          name="allowed_ips"
          wrong={wrong}
          help={t(everybody ? 'field.allowed_ips.helpUnused' : 'field.allowed_ips.help')}
        />
      </Resettable>
      {check.locked_out.length > 0 && (
        <Note tone="warn" urgent title={t('lockoutTitle')}>
          <ul className={classes.plain}>
            {check.locked_out.map((one) => (
              <li key={`${one.address} ${one.account}`}>
                <LockedOutText of={one} />
              </li>
            ))}
          </ul>
          <Button
            variant="default"
            size="compact-sm"
            mt="xs"
            onClick={() => form.set('allowed_ips', [...addresses, ...missing])}
          >
            {t('keepAllowed', { count: missing.length })}
          </Button>
        </Note>
      )}
    </>
  );
}
