/** Calendars and fields for dates, in the configured calendar: react-aria's behaviour with our looks. */
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import {
  Button,
  CalendarCell,
  CalendarGrid,
  CalendarGridBody,
  CalendarGridHeader,
  CalendarHeaderCell,
  DateField,
  type DateFieldProps,
  DateInput,
  DateSegment,
  type DateValue,
  Heading,
  I18nProvider,
  Label,
} from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import classes from './dates.module.css';

/** Gives everything inside the language, calendar and digits of the reader. */
export function InReadersCalendar({ children }: { children: ReactNode }) {
  const { locale } = useFormat();
  return <I18nProvider locale={locale}>{children}</I18nProvider>;
}

/** Month, arrows and days: the inside of a calendar. */
export function CalendarFace() {
  const { t } = useTranslation();
  return (
    <>
      <header className={classes.months}>
        <Button slot="previous" className={classes.arrow} aria-label={t('range.previous')}>
          <IconChevronLeft size={18} className="mirrored" aria-hidden="true" />
        </Button>
        <Heading className={classes.month} />
        <Button slot="next" className={classes.arrow} aria-label={t('range.next')}>
          <IconChevronRight size={18} className="mirrored" aria-hidden="true" />
        </Button>
      </header>
      <CalendarGrid className={classes.days} weekdayStyle="narrow">
        <CalendarGridHeader>
          {(day) => <CalendarHeaderCell className={classes.weekday}>{day}</CalendarHeaderCell>}
        </CalendarGridHeader>
        <CalendarGridBody>{(date) => <CalendarCell date={date} className={classes.day} />}</CalendarGridBody>
      </CalendarGrid>
    </>
  );
}

/** A date and time, typed part by part. */
export function MomentField<T extends DateValue>({ label, ...props }: DateFieldProps<T> & { label: string }) {
  return (
    <DateField {...props} hourCycle={24} granularity="minute" hideTimeZone className={classes.field}>
      <Label className={classes.label}>{label}</Label>
      <DateInput className={classes.input}>
        {(segment) => <DateSegment segment={segment} className={classes.segment} />}
      </DateInput>
    </DateField>
  );
}
