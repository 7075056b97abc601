import { ActionIcon } from '@mantine/core';
import { IconMenu2 } from '@tabler/icons-react';
import { Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Outlet, useLocation } from 'react-router';
import { lazyPart } from '../parts';
import { AccountMenu } from './AccountMenu';
import { ConnectionLost } from './ConnectionLost';
import { EngineState } from './EngineState';
import { FailedTries } from './FailedTries';
import { LanguageSwitch } from './LanguageSwitch';
import { Navigation } from './Navigation';
import { SchemeSwitch } from './SchemeSwitch';
import classes from './Shell.module.css';
import { Wordmark } from './Wordmark';

const MenuDrawer = lazyPart(() => import('./MenuDrawer'));

/** The frame around all pages: menu at the side (in a drawer where there is no room), bar at the top. */
export default function Shell() {
  const { t } = useTranslation();
  const [menu, setMenu] = useState(false);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page begins at its top
  useEffect(() => {
    window.scrollTo({ top: 0 });
  }, [pathname]);
  return (
    <div className={classes.shell}>
      <a href="#content" className={classes.skip}>
        {t('shell.skip')}
      </a>
      <aside className={classes.side}>
        <div className={classes.sideInner}>
          <Link to="/" className={classes.brand} aria-label={t('shell.home')}>
            <Wordmark />
          </Link>
          <div className={classes.menu}>
            <Navigation />
          </div>
        </div>
      </aside>
      <header className={classes.top}>
        <div className={classes.narrow}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={t('shell.openMenu')}
            aria-haspopup="dialog"
            aria-expanded={menu}
            onClick={() => setMenu(true)}
          >
            <IconMenu2 size={22} stroke={1.75} aria-hidden="true" />
          </ActionIcon>
          <Link to="/" className={classes.home} aria-label={t('shell.home')}>
            <Wordmark />
          </Link>
        </div>
        <div className={classes.tools}>
          <EngineState />
          <div className={classes.switches}>
            <LanguageSwitch />
            <SchemeSwitch />
          </div>
          <AccountMenu />
        </div>
      </header>
      {menu && (
        <Suspense fallback={null}>
          <MenuDrawer onClose={() => setMenu(false)} />
        </Suspense>
      )}
      <main id="content" tabIndex={-1} className={classes.main}>
        <ConnectionLost />
        <div className={classes.page}>
          <FailedTries />
          <Outlet />
        </div>
      </main>
    </div>
  );
}
