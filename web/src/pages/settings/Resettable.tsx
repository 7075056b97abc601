import { Button } from '@mantine/core';
import { IconRestore } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { usePageTexts } from '@/app/page-context';
import { useFormAround } from '@/kit/form/form';
import { useFormat } from '@/kit/format';
import classes from './settings.module.css';
import { isSame, type Values } from './values';

/** Isolates: what is between them is read from left to right. */
const LTR = '\u2066';
const POP = '\u2069';

/** Around a field: offers the value it has when nobody sets it, while it has another. */
export function Resettable({
  name,
  defaults,
  children,
}: {
  name: keyof Values & string;
  defaults: Values;
  children: ReactNode;
}) {
  const { t } = useTranslation('settings');
  const { textIfAny } = usePageTexts();
  const format = useFormat();
  const form = useFormAround();
  const value = defaults[name];
  const text = Array.isArray(value)
    ? value.length === 0
      ? t('none')
      : format.list(value.map((item) => LTR + item + POP))
    : typeof value === 'boolean'
      ? t(value ? 'on' : 'off')
      : typeof value === 'number'
        ? format.number(value)
        : (textIfAny(`option.${name}.${value}`) ?? value);
  return (
    <div>
      {children}
      {!isSame(form.values[name], value) && (
        <Button
          className={classes.reset}
          variant="subtle"
          size="compact-xs"
          leftSection={<IconRestore size={14} aria-hidden="true" />}
          aria-label={t('resetOf', { field: t(`field.${name}.label`), value: text })}
          onClick={() => form.set(name, value)}
        >
          {t('reset', { value: text })}
        </Button>
      )}
    </div>
  );
}
