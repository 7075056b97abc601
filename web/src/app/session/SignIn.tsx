import { Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { IconClockPause } from '@tabler/icons-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, useSearchParams } from 'react-router';
import { write } from '@/api/client';
import { type ApiError, asApiError } from '@/api/errors';
import { useErrorText } from '@/kit/errors';
import { useFormat } from '@/kit/format';
import { Note } from '@/kit/Note';
import { OutsideFrame } from './OutsideFrame';
import classes from './OutsideFrame.module.css';
import { setCurrent, useCurrent } from './session';

export default function SignIn() {
  const { t } = useTranslation();
  const { signed_in: signedIn } = useCurrent();
  const [params] = useSearchParams();
  const [credentials, setCredentials] = useState<{ username: string; password: string } | null>(null);
  const [missing, setMissing] = useState<'username' | 'password' | 'code' | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const wait = useCountdown(error);
  const errorText = useErrorText();
  const format = useFormat();
  const usernameInput = useRef<HTMLInputElement>(null);
  const passwordInput = useRef<HTMLInputElement>(null);
  const codeInput = useRef<HTMLInputElement>(null);
  const secondStep = credentials !== null;

  useEffect(() => {
    (secondStep ? codeInput : usernameInput).current?.focus();
  }, [secondStep]);

  if (signedIn) return <Navigate to={ownPath(params.get('next'))} replace />;

  async function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    // Read from the form: browsers fill it in without telling anybody.
    const entered = new FormData(event.currentTarget);
    const username = credentials?.username ?? String(entered.get('username')).trim();
    const password = credentials?.password ?? String(entered.get('password'));
    const code = String(entered.get('code') ?? '');
    if (username === '') return demand('username', usernameInput.current);
    if (password === '') return demand('password', passwordInput.current);
    if (secondStep && code === '') return demand('code', codeInput.current);
    setMissing(null);
    setBusy(true);
    try {
      setCurrent(await write('/session/sign_in', { username, password, code }));
    } catch (thrown) {
      const failure = asApiError(thrown);
      if (failure.code === 'code_required') {
        setCredentials({ username, password });
        setError(null);
      } else {
        setError(failure);
        (secondStep ? codeInput : passwordInput).current?.select();
      }
    } finally {
      setBusy(false);
    }
  }

  function demand(what: 'username' | 'password' | 'code', input: HTMLInputElement | null) {
    setMissing(what);
    input?.focus();
  }

  function startOver() {
    setCredentials(null);
    setMissing(null);
    setError(null);
  }

  const refused = error !== null && !(error.code === 'slow_down' && wait === 0);
  return (
    <OutsideFrame
      title={t(secondStep ? 'signIn.codeTitle' : 'signIn.title')}
      text={t(secondStep ? 'signIn.codeText' : 'signIn.text')}
    >
      <form onSubmit={signIn} noValidate>
        <Stack gap="md">
          {refused && (
            <Note tone={wait > 0 ? 'warn' : 'bad'} icon={wait > 0 ? IconClockPause : undefined} urgent>
              {wait > 0 ? t('signIn.slowDown', { count: wait }) : errorText(error)}
            </Note>
          )}
          {secondStep ? (
            <TextInput
              key="code"
              ref={codeInput}
              label={t('signIn.code')}
              dir="ltr"
              name="code"
              inputMode="numeric"
              autoComplete="one-time-code"
              maxLength={10}
              error={missing === 'code' && t('field.fillIn')}
            />
          ) : (
            <>
              <TextInput
                ref={usernameInput}
                label={t('signIn.username')}
                name="username"
                dir="ltr"
                autoComplete="username"
                autoCapitalize="none"
                autoCorrect="off"
                spellCheck={false}
                error={missing === 'username' && t('field.fillIn')}
              />
              <PasswordInput
                ref={passwordInput}
                label={t('signIn.password')}
                name="password"
                classNames={{ innerInput: classes.ltr }}
                autoComplete="current-password"
                error={missing === 'password' && t('field.fillIn')}
                visibilityToggleButtonProps={{ 'aria-label': t('field.showPassword') }}
              />
            </>
          )}
          <Button type="submit" fullWidth loading={busy} disabled={wait > 0}>
            {wait > 0 ? format.duration(wait * 1000) : t('signIn.submit')}
          </Button>
          {secondStep && (
            <Anchor component="button" type="button" size="sm" onClick={startOver}>
              {t('signIn.startOver')}
            </Anchor>
          )}
        </Stack>
      </form>
    </OutsideFrame>
  );
}

/** Only addresses of the console itself: a link must not lead elsewhere after signing in. */
function ownPath(next: string | null): string {
  return next?.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') ? next : '/';
}

/** Seconds that are left of a `slow_down`. */
function useCountdown(error: ApiError | null): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const seconds = error?.code === 'slow_down' ? Number(error.params.retry_after) : 0;
    if (!(seconds > 0)) {
      setLeft(0);
      return;
    }
    const until = Date.now() + seconds * 1000;
    const tick = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [error]);
  return left;
}
