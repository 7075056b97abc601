/** The one style of notifications: something was done, or could not be done. */
import { createElement, lazy, type ReactElement, Suspense, useSyncExternalStore } from 'react';
import { later } from '@/app/parts';

const shown = () => later(() => import('./notifications'));
const Host = lazy(() => shown().then(({ Host: component }) => ({ default: component })));

let wanted = false;
const listeners = new Set<() => void>();

function show(message: string, done: boolean): void {
  wanted = true;
  for (const listener of listeners) listener();
  void shown().then(({ showNotification }) => showNotification(message, done));
}

export const notify = {
  done: (message: string) => show(message, true),
  failed: (message: string) => show(message, false),
};

/** Where notifications appear; what draws them is fetched with the first one. */
export function NotificationHost(): ReactElement | null {
  const needed = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => wanted,
  );
  return needed ? createElement(Suspense, null, createElement(Host)) : null;
}
