import { useDirection } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Notifications, notifications } from '@mantine/notifications';
import { IconCheck, IconX } from '@tabler/icons-react';
import i18next from 'i18next';

const SHORT = 5_000;
const LONG = 12_000;

/** At the corner where neither drawers nor their buttons are; on phones, where these are everywhere, at the top. */
export function Host() {
  const { dir } = useDirection();
  const narrow = useMediaQuery('(max-width: 48em)');
  const corner = dir === 'rtl' ? 'bottom-right' : 'bottom-left';
  return <Notifications position={narrow ? 'top-center' : corner} limit={3} containerWidth={400} />;
}

export function showNotification(message: string, done: boolean): void {
  notifications.show({
    message,
    color: done ? 'teal.8' : 'red.8',
    icon: done ? <IconCheck size={18} /> : <IconX size={18} />,
    autoClose: done ? SHORT : LONG,
    withBorder: true,
    role: done ? 'status' : 'alert',
    closeButtonProps: { 'aria-label': i18next.t('close') },
  });
}
