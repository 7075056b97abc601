import { Menu, Text } from '@mantine/core';
import { IconLogout, IconUserCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useWrite } from '@/kit/write';
import { useAccountTypeTitle } from '../session/accountType';
import { setCurrent, useCurrent, useSession } from '../session/session';
import { AccountButton } from './AccountMenu';

/** The account menu, open from the start. */
export default function OpenAccountMenu() {
  const { t } = useTranslation();
  const current = useCurrent();
  const session = useSession();
  const typeTitle = useAccountTypeTitle();
  const signOut = useWrite('/session/sign_out', {
    onDone: () => setCurrent({ ...current, signed_in: false, session: null }),
  });
  return (
    <Menu position="bottom-end" width={240} defaultOpened>
      <Menu.Target>
        <AccountButton />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text component="span" display="block" size="sm" fw={600} c="var(--mantine-color-text)" truncate>
            <bdi>{session.name || session.username}</bdi>
          </Text>
          <Text component="span" display="block" size="xs" truncate>
            <bdi>{typeTitle(session.account_type, session.account_type_title)}</bdi>
          </Text>
        </Menu.Label>
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconUserCircle size={18} aria-hidden="true" />}
          component={Link}
          to="/profile"
        >
          {t('page.profile.title')}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLogout size={18} className="mirrored" aria-hidden="true" />}
          onClick={() => signOut.mutate()}
          disabled={signOut.isPending}
        >
          {t('shell.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
