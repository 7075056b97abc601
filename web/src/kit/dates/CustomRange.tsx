import { fromAbsolute, toCalendarDate, today, type ZonedDateTime } from '@internationalized/date';
import { Button, Group, Modal, Stack } from '@mantine/core';
import { useState } from 'react';
import { RangeCalendar } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import { Note } from '../Note';
import classes from './dates.module.css';
import { CalendarFace, InReadersCalendar, MomentField } from './parts';
import { rangeText } from './range';

const LAST_SECOND = { hour: 23, minute: 59, second: 59, millisecond: 999 };
const FIRST_SECOND = { hour: 0, minute: 0, second: 0, millisecond: 0 };

export interface CustomRangeProps {
  value: { since: number; until: number } | null;
  onChange: (text: string) => void;
  onClose: () => void;
}

/** Chooses a span by two days in a calendar, or by typing. */
export default function CustomRange({ value, onChange, onClose }: CustomRangeProps) {
  const { t } = useTranslation();
  const { timezone } = useFormat();
  const day = today(timezone).toDate(timezone).getTime();
  const [since, setSince] = useState<ZonedDateTime | null>(() =>
    fromAbsolute(value?.since ?? day, timezone).set(value === null ? FIRST_SECOND : {}),
  );
  const [until, setUntil] = useState<ZonedDateTime | null>(() =>
    fromAbsolute(value?.until ?? day, timezone).set(value === null ? LAST_SECOND : {}),
  );
  const ordered = since !== null && until !== null && since.compare(until) <= 0;
  return (
    <Modal
      opened
      onClose={onClose}
      size="auto"
      title={t('range.custom')}
      closeButtonProps={{ 'aria-label': t('close') }}
    >
      <InReadersCalendar>
        <Stack gap="md">
          <RangeCalendar
            aria-label={t('range.custom')}
            className={classes.calendar}
            value={ordered ? { start: toCalendarDate(since), end: toCalendarDate(until) } : null}
            onChange={(chosen) => {
              if (chosen === null) return;
              const at = (date: typeof chosen.start) =>
                fromAbsolute(date.toDate(timezone).getTime(), timezone);
              setSince(at(chosen.start).set(FIRST_SECOND));
              setUntil(at(chosen.end).set(LAST_SECOND));
            }}
          >
            <CalendarFace />
          </RangeCalendar>
          <div className={classes.moments}>
            <MomentField label={t('range.from')} value={since} onChange={setSince} />
            <MomentField label={t('range.to')} value={until} onChange={setUntil} />
          </div>
          {since !== null && until !== null && !ordered && (
            <Note tone="bad" urgent>
              {t('range.order')}
            </Note>
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('cancel')}
            </Button>
            <Button
              disabled={!ordered}
              onClick={() => {
                if (ordered) onChange(rangeText(since.toDate().getTime(), until.toDate().getTime()));
              }}
            >
              {t('range.apply')}
            </Button>
          </Group>
        </Stack>
      </InReadersCalendar>
    </Modal>
  );
}
