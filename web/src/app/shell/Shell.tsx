import { AppShell, Burger, Drawer, Group, ScrollArea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { Link, Outlet, ScrollRestoration } from 'react-router';
import { AccountMenu } from './AccountMenu';
import { ConnectionLost } from './ConnectionLost';
import { EngineState } from './EngineState';
import { FailedTries } from './FailedTries';
import { LanguageSwitch } from './LanguageSwitch';
import { Navigation } from './Navigation';
import { SchemeSwitch } from './SchemeSwitch';
import classes from './Shell.module.css';
import { Wordmark } from './Wordmark';

const HEADER = 56;
const SIDEBAR = 248;

/** The frame around all pages: menu at the side (in a drawer where there is no room), bar at the top. */
export default function Shell() {
  const { t } = useTranslation();
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <AppShell
      header={{ height: HEADER }}
      navbar={{ width: SIDEBAR, breakpoint: 'md', collapsed: { mobile: true } }}
      layout="alt"
    >
      <a href="#content" className={classes.skip}>
        {t('shell.skip')}
      </a>
      <AppShell.Header className={classes.header}>
        <Group gap="xs" wrap="nowrap" hiddenFrom="md">
          <Burger
            opened={opened}
            onClick={open}
            size="sm"
            aria-label={t('shell.openMenu')}
            aria-haspopup="dialog"
          />
          <Link to="/" className={classes.homeLink} aria-label={t('shell.home')}>
            <Wordmark />
          </Link>
        </Group>
        <div className={classes.spread} />
        <Group gap="2xs" wrap="nowrap">
          <EngineState />
          <Group gap="2xs" wrap="nowrap" visibleFrom="sm">
            <LanguageSwitch />
            <SchemeSwitch />
          </Group>
          <AccountMenu />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar}>
        <Link to="/" className={classes.brand} aria-label={t('shell.home')}>
          <Wordmark />
        </Link>
        <ScrollArea className={classes.menu} type="auto">
          <Navigation />
        </ScrollArea>
      </AppShell.Navbar>
      <Drawer
        opened={opened}
        onClose={close}
        size={288}
        title={<Wordmark />}
        hiddenFrom="md"
        closeButtonProps={{ 'aria-label': t('shell.closeMenu') }}
      >
        <Navigation onChoose={close} />
        <Group gap="2xs" mt="md" hiddenFrom="sm" className={classes.switches}>
          <LanguageSwitch />
          <SchemeSwitch />
        </Group>
      </Drawer>
      <AppShell.Main id="content" tabIndex={-1} className={classes.main}>
        <ConnectionLost />
        <div className={classes.page}>
          <FailedTries />
          <Outlet />
        </div>
      </AppShell.Main>
      <ScrollRestoration />
    </AppShell>
  );
}
