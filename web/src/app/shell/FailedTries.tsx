import { IconShieldExclamation } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/kit/format';
import { Note } from '@/kit/Note';
import { useSession } from '../session/session';
import classes from './Shell.module.css';

/** Told once per session: how often somebody failed to sign in as this account. */
export function FailedTries() {
  const { t } = useTranslation();
  const session = useSession();
  const format = useFormat();
  const [read, setRead] = useState(wasRead(session.csrf));
  if (session.failed_since_last === 0 || read) return null;
  return (
    <div className={classes.told}>
      <Note
        tone="warn"
        icon={IconShieldExclamation}
        title={t('failedTries.title', { count: session.failed_since_last })}
        onClose={() => {
          setRead(true);
          rememberRead(session.csrf);
        }}
      >
        {session.last_sign_in_at === null
          ? t('failedTries.text')
          : t('failedTries.textSince', { at: format.dateTime(session.last_sign_in_at) })}
      </Note>
    </div>
  );
}

const KEY = 'tamas.failedTriesRead';

function wasRead(session: string): boolean {
  try {
    return sessionStorage.getItem(KEY) === session.slice(0, 8);
  } catch {
    return false; // storage is forbidden here
  }
}

function rememberRead(session: string): void {
  try {
    sessionStorage.setItem(KEY, session.slice(0, 8));
  } catch {
    // It is told again when the page is loaded anew.
  }
}
