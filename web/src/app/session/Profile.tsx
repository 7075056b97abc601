import { SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { KeyValue } from '@/kit/KeyValue';
import { PageHeader } from '@/kit/PageHeader';
import { Surface } from '@/kit/Surface';
import { TimeText } from '@/kit/text/TimeText';
import { useAccountTypeTitle } from './accountType';
import { ChangePasswordForm } from './ChangePasswordForm';
import { SecondStep } from './SecondStep';
import { useSession } from './session';

/** One's own account. */
export default function Profile() {
  const { t } = useTranslation();
  const session = useSession();
  const typeTitle = useAccountTypeTitle();
  return (
    <>
      <PageHeader />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Stack gap="md">
          <Surface>
            <Title order={2} mb="sm">
              {t('profile.account')}
            </Title>
            <KeyValue
              items={[
                [t('profile.username'), <bdi key="username">{session.username}</bdi>],
                [t('profile.name'), session.name && <bdi key="name">{session.name}</bdi>],
                [t('profile.type'), typeTitle(session.account_type, session.account_type_title)],
                [
                  t('profile.lastSignIn'),
                  session.last_sign_in_at !== null && <TimeText key="at" at={session.last_sign_in_at} />,
                ],
              ]}
            />
          </Surface>
          <Surface>
            <SecondStep />
          </Surface>
        </Stack>
        <Surface>
          <Title order={2} mb="2xs">
            {t('profile.password')}
          </Title>
          <Text size="sm" c="dimmed" mb="md">
            {t('profile.passwordText')}
          </Text>
          <ChangePasswordForm submit={t('profile.changePassword')} done={t('profile.passwordChanged')} />
        </Surface>
      </SimpleGrid>
    </>
  );
}
