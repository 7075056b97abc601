import { Button, Menu } from '@mantine/core';
import { IconCalendarTime, IconChevronDown } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '../format';
import { isPreset, momentsOf, PRESETS } from './range';

const CustomRange = lazy(() => import('./CustomRange'));

export interface TimeRangeFilterProps {
  /** Text of a span, see `range.ts`; empty: any time. */
  value: string;
  onChange: (value: string) => void;
}

/** Filters by time: a preset, or from one moment to another in the configured calendar. */
export function TimeRangeFilter({ value, onChange }: TimeRangeFilterProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [custom, setCustom] = useState(false);
  const moments = momentsOf(value);
  const shown = isPreset(value)
    ? t(`range.${value}`)
    : moments === null
      ? t('range.any')
      : `${format.dateTime(moments.since)} – ${format.dateTime(moments.until)}`;
  return (
    <>
      <Menu position="bottom-start">
        <Menu.Target>
          <Button
            variant="default"
            fw={400}
            leftSection={<IconCalendarTime size={16} aria-hidden="true" />}
            rightSection={<IconChevronDown size={16} aria-hidden="true" />}
            aria-label={t('range.label', { range: shown })}
          >
            {shown}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {['', ...PRESETS].map((preset) => (
            <Menu.RadioItem
              key={preset}
              value={preset}
              checked={preset === value}
              closeMenuOnClick
              onChange={onChange}
            >
              {t(`range.${preset || 'any'}`)}
            </Menu.RadioItem>
          ))}
          <Menu.Divider />
          <Menu.RadioItem
            value="custom"
            checked={moments !== null}
            closeMenuOnClick
            onClick={() => setCustom(true)}
          >
            {t('range.custom')}
          </Menu.RadioItem>
        </Menu.Dropdown>
      </Menu>
      {custom && (
        <Suspense fallback={null}>
          <CustomRange
            value={moments}
            onClose={() => setCustom(false)}
            onChange={(text) => {
              setCustom(false);
              onChange(text);
            }}
          />
        </Suspense>
      )}
    </>
  );
}
