import { ActionIcon, Menu, Text } from '@mantine/core';
import { IconLogout, IconUserCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useWrite } from '@/kit/write';
import { setCurrent, useCurrent, useSession } from '../session/session';

/** Whose session this is, and what they can do with it. */
export function AccountMenu() {
  const { t } = useTranslation();
  const current = useCurrent();
  const session = useSession();
  const signOut = useWrite('/session/sign_out', {
    onDone: () => setCurrent({ ...current, signed_in: false, session: null }),
  });
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={t('shell.account', { name: session.username })}
        >
          <IconUserCircle size={22} stroke={1.75} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text component="span" display="block" fw={600} c="var(--mantine-color-text)" truncate>
            {session.name || session.username}
          </Text>
          <Text component="span" display="block" size="xs" truncate>
            {session.account_type_title}
          </Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item leftSection={<IconUserCircle size={18} />} component={Link} to="/profile">
          {t('page.profile.title')}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLogout size={18} className="mirrored" />}
          onClick={() => signOut.mutate({})}
          disabled={signOut.isPending}
        >
          {t('shell.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
