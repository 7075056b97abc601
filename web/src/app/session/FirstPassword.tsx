import { Anchor, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useWrite } from '@/kit/write';
import { ChangePasswordForm } from './ChangePasswordForm';
import { OutsideFrame } from './OutsideFrame';
import { setCurrent, useCurrent } from './session';

/** Whoever signed in with a generated password chooses their own before anything else. */
export default function FirstPassword() {
  const { t } = useTranslation();
  const current = useCurrent();
  const signOut = useWrite('/session/sign_out', {
    onDone: () => setCurrent({ ...current, signed_in: false, session: null }),
  });
  return (
    <OutsideFrame title={t('firstPassword.title')} text={t('firstPassword.text')}>
      <Stack gap="md">
        <ChangePasswordForm submit={t('firstPassword.submit')} done={t('profile.passwordChanged')} />
        <Anchor component="button" type="button" size="sm" onClick={() => signOut.mutate()}>
          {t('shell.signOut')}
        </Anchor>
      </Stack>
    </OutsideFrame>
  );
}
