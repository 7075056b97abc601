import { Drawer } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { LanguageSwitch } from './LanguageSwitch';
import { Navigation } from './Navigation';
import { SchemeSwitch } from './SchemeSwitch';
import classes from './Shell.module.css';
import { Wordmark } from './Wordmark';

/** The menu where there is no room for it at the side. */
export default function MenuDrawer({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened
      onClose={onClose}
      size={288}
      title={<Wordmark />}
      closeButtonProps={{ 'aria-label': t('shell.closeMenu') }}
      transitionProps={{ duration: 0 }}
    >
      <Navigation onChoose={onClose} />
      <div className={classes.drawerSwitches}>
        <LanguageSwitch />
        <SchemeSwitch />
      </div>
    </Drawer>
  );
}
