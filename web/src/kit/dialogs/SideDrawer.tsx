import { Drawer } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { type ReactNode, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './dialogs.module.css';

export interface SideDrawerProps {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  /** Stays in sight at the bottom. */
  footer?: ReactNode;
  /** Pixels, where there is room. */
  size?: number | string;
}

/** Something at the side of the page: details, a form. On phones it takes the whole screen. */
export function SideDrawer({ title, onClose, children, footer, size = 560 }: SideDrawerProps) {
  const { t } = useTranslation();
  const narrow = useMediaQuery('(max-width: 48em)');
  const content = useRef<HTMLDivElement>(null);
  // Escape is meant for what lies on top.
  const close = () => {
    const topmost = [...document.querySelectorAll('[role="dialog"]')].at(-1);
    if (content.current === null || topmost === content.current) onClose();
  };
  return (
    <Drawer.Root
      opened
      onClose={close}
      position="right"
      size={narrow ? '100%' : size}
      transitionProps={{ duration: 0 }}
      classNames={{ content: classes.content, header: classes.header, body: classes.body }}
    >
      <Drawer.Overlay backgroundOpacity={0.45} />
      <Drawer.Content ref={content}>
        <Drawer.Header>
          <Drawer.Title>{title}</Drawer.Title>
          <Drawer.CloseButton aria-label={t('close')} />
        </Drawer.Header>
        <Drawer.Body>{children}</Drawer.Body>
        {footer !== undefined && <div className={classes.footer}>{footer}</div>}
      </Drawer.Content>
    </Drawer.Root>
  );
}
