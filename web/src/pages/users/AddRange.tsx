import { Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DoneOf } from '@/api/client';
import { useChecks } from '@/kit/form/checks';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection, FullWidth } from '@/kit/form/FormSection';
import { TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { PasswordField } from '@/kit/form/PasswordField';
import { useWrite } from '@/kit/write';
import { isName, isNumber, isSecret, orBlank } from '@/pbx/checks';
import { Setting, SettingSections } from './fields';
import { RangeAdded } from './RangeAdded';
import { MOST, NUMBER_PLACE, numbersIn } from './ranges';
import { DEFAULTS, NEVER_BLANK, SETTING_CHECKS, type SettingValues, settingsOf } from './values';

type RangeValues = SettingValues & { first: string; last: string; name: string; secret: string };

const INITIAL: RangeValues = { ...DEFAULTS, first: '', last: '', name: NUMBER_PLACE, secret: '' };

const CHECKS = {
  ...SETTING_CHECKS,
  first: orBlank(isNumber),
  last: (last: string, { first }: RangeValues) => {
    if (last === '' || !isNumber(first)) return true;
    return isNumber(last) && numbersIn(first, last) !== null;
  },
  // What stands for the number has braces, which no name may have.
  name: (name: string) => isName(name.replaceAll(NUMBER_PLACE, '')),
  secret: isSecret,
};

/** Adds extensions that follow each other, and shows their secrets once. */
export function AddRange({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('users');
  const [added, setAdded] = useState<{ outcome: DoneOf<'/pbx/users/add_range'>; pattern: string } | null>(
    null,
  );
  const form = useKitForm<RangeValues>({
    initial: INITIAL,
    required: ['first', 'last', 'name', ...NEVER_BLANK],
    validate: useChecks<RangeValues>(CHECKS),
  });
  const add = useWrite('/pbx/users/add_range', {
    form,
    refresh: ['/pbx/users/list'],
    onDone: (outcome, body) => setAdded({ outcome, pattern: body.name ?? NUMBER_PLACE }),
  });
  if (added !== null) {
    return <RangeAdded outcome={added.outcome} pattern={added.pattern} onClose={onClose} />;
  }
  const { first, last, name } = form.values;
  const numbers = isNumber(first) && isNumber(last) ? numbersIn(first, last) : null;
  return (
    <FormDrawer
      title={t('addRange')}
      submit={numbers === null ? t('addIt') : t('addCount', { count: numbers.count })}
      form={form}
      busy={add.isPending}
      onSubmit={(values) => add.mutate(settingsOf(values))}
      onClose={onClose}
    >
      <FormSection name="range" columns={2}>
        <TextField name="first" first ltr inputMode="numeric" maxLength={20} placeholder="200" />
        <TextField name="last" ltr inputMode="numeric" maxLength={20} placeholder="299" />
        <FullWidth>
          <TextField name="name" maxLength={80} help={t('field.name.helpRange', { place: NUMBER_PLACE })} />
          {numbers !== null && (
            <Text size="sm" c="dimmed" mt="xs" role="status">
              {t('rangePreview', {
                first: name.replaceAll(NUMBER_PLACE, first),
                last: name.replaceAll(NUMBER_PLACE, last),
                count: numbers.count,
                most: MOST,
              })}
            </Text>
          )}
        </FullWidth>
        <FullWidth>
          <PasswordField
            name="secret"
            help={t('field.secret.helpRange')}
            placeholder={t('field.secret.generated')}
          />
        </FullWidth>
        <Setting of="email" />
        <Setting of="active" />
      </FormSection>
      <SettingSections />
    </FormDrawer>
  );
}
