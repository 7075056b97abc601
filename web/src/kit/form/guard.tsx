/** Keeps what somebody typed from being lost by leaving. */
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useBlocker } from 'react-router';
import { ConfirmDialog } from '../dialogs/ConfirmDialog';
import type { FormValues, KitForm } from './form';

/**
 * Asks before an unsaved form is left, in whichever way. `leave(go)` calls `go` at once, or after a yes.
 */
export function useUnsavedGuard<V extends FormValues>(form: KitForm<V>) {
  const { t } = useTranslation();
  const [going, setGoing] = useState<(() => void) | null>(null);
  const agreed = useRef(false);
  const blocker = useBlocker(() => !agreed.current && form.isDirty());

  const warn = useEffectEvent((event: BeforeUnloadEvent) => {
    if (form.isDirty()) event.preventDefault();
  });
  useEffect(() => {
    const handle = (event: BeforeUnloadEvent) => warn(event);
    window.addEventListener('beforeunload', handle);
    return () => window.removeEventListener('beforeunload', handle);
  }, []);

  const asking = going !== null || blocker.state === 'blocked';
  const dialog = (
    <ConfirmDialog
      opened={asking}
      title={t('unsaved.title')}
      confirm={t('unsaved.discard')}
      cancel={t('unsaved.stay')}
      danger
      onConfirm={() => {
        agreed.current = true;
        if (blocker.state === 'blocked') blocker.proceed();
        else going?.();
        setGoing(null);
        // The form may stay on screen for something else.
        setTimeout(() => {
          agreed.current = false;
        }, 0);
      }}
      onClose={() => {
        if (blocker.state === 'blocked') blocker.reset();
        setGoing(null);
      }}
    >
      {t('unsaved.text')}
    </ConfirmDialog>
  );
  return {
    dialog,
    leave: (go: () => void) => {
      if (form.isDirty()) setGoing(() => go);
      else go();
    },
  };
}
