import { Notifications, notifications } from '@mantine/notifications';
import { IconCheck, IconX } from '@tabler/icons-react';
import i18next from 'i18next';

const SHORT = 5_000;
const LONG = 12_000;

export function Host() {
  return <Notifications position="top-center" limit={3} containerWidth={400} />;
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
