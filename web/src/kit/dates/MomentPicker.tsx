import { fromAbsolute, toCalendarDate, today } from '@internationalized/date';
import { ActionIcon, CloseButton, Popover } from '@mantine/core';
import { IconCalendar } from '@tabler/icons-react';
import { useState } from 'react';
import { Calendar } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import classes from './dates.module.css';
import { CalendarFace, InReadersCalendar, MomentField } from './parts';

export interface MomentPickerProps {
  label: string;
  /** Milliseconds since the epoch, or none. */
  value: number | null;
  onChange: (value: number | null) => void;
  disabled?: boolean;
}

/** Chooses one moment: typed, or its day from a calendar. */
export default function MomentPicker({ label, value, onChange, disabled = false }: MomentPickerProps) {
  const { t } = useTranslation();
  const { timezone } = useFormat();
  const [open, setOpen] = useState(false);
  const moment = value === null ? null : fromAbsolute(value, timezone);
  return (
    <InReadersCalendar>
      <div className={classes.picker}>
        <MomentField
          label={label}
          value={moment}
          placeholderValue={fromAbsolute(today(timezone).toDate(timezone).getTime(), timezone)}
          isDisabled={disabled}
          onChange={(next) => onChange(next === null ? null : next.toDate().getTime())}
        />
        {value !== null && !disabled && (
          <CloseButton size="lg" aria-label={t('field.clear')} onClick={() => onChange(null)} />
        )}
        <Popover opened={open} onChange={setOpen} trapFocus returnFocus shadow="md" position="bottom-end">
          <Popover.Target>
            <ActionIcon
              variant="default"
              size={36}
              disabled={disabled}
              aria-label={t('range.open')}
              onClick={() => setOpen((now) => !now)}
            >
              <IconCalendar size={18} aria-hidden="true" />
            </ActionIcon>
          </Popover.Target>
          <Popover.Dropdown>
            <Calendar
              aria-label={label}
              className={classes.calendar}
              value={moment === null ? null : toCalendarDate(moment)}
              onChange={(day) => {
                const time = moment ?? { hour: 23, minute: 59 };
                const next = fromAbsolute(day.toDate(timezone).getTime(), timezone);
                onChange(next.set({ hour: time.hour, minute: time.minute }).toDate().getTime());
                setOpen(false);
              }}
            >
              <CalendarFace />
            </Calendar>
          </Popover.Dropdown>
        </Popover>
      </div>
    </InReadersCalendar>
  );
}
