import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChecks } from '@/kit/form/checks';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection, FullWidth } from '@/kit/form/FormSection';
import { TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { PasswordField } from '@/kit/form/PasswordField';
import { generatedPassword } from '@/kit/form/password';
import { useWrite } from '@/kit/write';
import { Setting, SettingSections } from './fields';
import { DEFAULTS, NEVER_BLANK, settingsOf, USER_CHECKS, type UserValues } from './values';

/** Adds one extension. `onAdded` gets its id. */
export function AddUser({ onClose, onAdded }: { onClose: () => void; onAdded: (id: string) => void }) {
  const { t } = useTranslation('users');
  const [initial] = useState<UserValues>(() => ({
    ...DEFAULTS,
    number: '',
    name: '',
    secret: generatedPassword(),
  }));
  const form = useKitForm({
    initial,
    required: ['number', 'name', 'secret', ...NEVER_BLANK],
    validate: useChecks(USER_CHECKS),
  });
  const add = useWrite('/pbx/users/add', {
    form,
    refresh: ['/pbx/users/list'],
    done: (_, body) => t('added', { number: body.number }),
    onDone: ({ id }) => onAdded(id),
  });
  return (
    <FormDrawer
      title={t('add')}
      submit={t('addIt')}
      form={form}
      busy={add.isPending}
      onSubmit={(values) => add.mutate(settingsOf(values))}
      onClose={onClose}
    >
      <FormSection name="basic" columns={2}>
        <TextField name="number" first ltr inputMode="numeric" maxLength={20} />
        <TextField name="name" maxLength={80} />
        <FullWidth>
          <PasswordField name="secret" strength generate />
        </FullWidth>
        <Setting of="email" />
        <Setting of="active" />
      </FormSection>
      <SettingSections />
    </FormDrawer>
  );
}
