/** Keeps what somebody typed from being lost by leaving. */
import type { Transition } from 'history';
import { useEffect, useEffectEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { history } from '@/app/history';
import { ConfirmDialog } from '../dialogs/ConfirmDialog';
import type { FormValues, KitForm } from './form';

/**
 * Asks before an unsaved form is left, in whichever way: by closing it, by going to another page or back, or by
 * closing the browser's tab. `leave(go)` calls `go` at once, or after a yes.
 */
export function useUnsavedGuard<V extends FormValues>(form: KitForm<V>) {
  const { t } = useTranslation();
  const [going, setGoing] = useState<{ go: () => void } | null>(null);
  const dirty = form.isDirty();

  // What was saved a moment ago is no longer unsaved, though nothing was drawn anew since.
  const mayLeave = useEffectEvent(() => !form.isDirty());
  useEffect(() => {
    if (!dirty) return;
    const release = history.block((transition: Transition) => {
      const go = () => {
        release();
        transition.retry();
      };
      if (mayLeave()) go();
      else setGoing({ go });
    });
    return release;
  }, [dirty]);

  const dialog = (
    <ConfirmDialog
      opened={going !== null}
      title={t('unsaved.title')}
      confirm={t('unsaved.discard')}
      cancel={t('unsaved.stay')}
      danger
      onConfirm={() => {
        form.reset();
        going?.go();
        setGoing(null);
      }}
      onClose={() => setGoing(null)}
    >
      {t('unsaved.text')}
    </ConfirmDialog>
  );
  return {
    dialog,
    leave: (go: () => void) => {
      if (form.isDirty()) setGoing({ go });
      else go();
    },
  };
}
