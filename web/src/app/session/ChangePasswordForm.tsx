import { Button, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { FormBody } from '@/kit/form/FormBody';
import { useKitForm } from '@/kit/form/form';
import { PasswordField } from '@/kit/form/PasswordField';
import { useWrite } from '@/kit/write';
import { setCurrent } from './session';

const BLANK = { current: '', new: '', again: '' };

/** Old password, new one, and the new one once more. */
export function ChangePasswordForm({ submit, done }: { submit: string; done: string }) {
  const { t } = useTranslation();
  const form = useKitForm({
    initial: BLANK,
    required: ['current', 'new', 'again'],
    validate: (values) => (values.again === values.new ? {} : { again: t('field.notSame') }),
  });
  const change = useWrite('/session/change_password', {
    form,
    done,
    onDone: (current) => {
      form.reset();
      setCurrent(current);
    },
  });
  return (
    <FormBody form={form} onSubmit={(values) => change.mutate({ current: values.current, new: values.new })}>
      <Stack gap="md">
        <PasswordField name="current" autoComplete="current-password" />
        <PasswordField name="new" strength />
        <PasswordField name="again" />
        <Button type="submit" loading={change.isPending} fullWidth>
          {submit}
        </Button>
      </Stack>
    </FormBody>
  );
}
