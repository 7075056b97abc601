import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useClock } from '@/kit/clock';
import { RadioField, SelectField } from '@/kit/form/fields';
import { useFormAround } from '@/kit/form/form';
import { makeFormat } from '@/kit/format';
import { Resettable } from './Resettable';
import classes from './settings.module.css';
import type { Values } from './values';

const SECOND = 1_000;
const UTC = 'UTC';
/** Isolates: what is between them is read from left to right. */
const LTR = '\u2066';
const POP = '\u2069';

/** Calendar and time zone, with the current time in them. */
export function Dates({ defaults }: { defaults: Values }) {
  const { t, i18n } = useTranslation('settings');
  const { calendar, timezone } = useFormAround().values as Values;
  const now = useClock(SECOND);
  const zones = useMemo(zoneChoices, []);
  const sample = useMemo(
    () => makeFormat(i18n.language, calendar, timezone),
    [i18n.language, calendar, timezone],
  );
  return (
    <>
      <Resettable name="calendar" defaults={defaults}>
        <RadioField name="calendar" choices={['gregorian', 'jalali']} />
      </Resettable>
      <Resettable name="timezone" defaults={defaults}>
        <SelectField name="timezone" choices={zones} searchable />
      </Resettable>
      <p className={classes.now}>
        {t('nowThere')} <bdi className={classes.moment}>{sample.dateTime(now)}</bdi>
      </p>
    </>
  );
}

/** The zones that the browser knows, by name, with their distance from UTC at present. */
function zoneChoices() {
  return [...new Set([UTC, ...Intl.supportedValuesOf('timeZone')])].map((value) => ({
    value,
    label: value === UTC ? UTC : `${LTR}${value} (${distanceOf(value)})${POP}`,
  }));
}

function distanceOf(timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts();
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  return name === 'GMT' ? `${UTC}+00:00` : name.replace('GMT', UTC);
}
