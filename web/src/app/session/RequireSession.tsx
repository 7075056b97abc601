import type { ReactNode } from 'react';
import { Navigate, useLocation } from 'react-router';
import { lazyPart } from '../parts';
import { useCurrent } from './session';

const FirstPassword = lazyPart(() => import('./FirstPassword'));

/** Lets nobody in who is not signed in; whoever is sent to sign in comes back to where they were. */
export function RequireSession({ children }: { children: ReactNode }) {
  const { session } = useCurrent();
  const { pathname, search } = useLocation();
  if (session === null) {
    const next = `${pathname}${search}`;
    return <Navigate to={next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`} replace />;
  }
  return session.must_change_password ? <FirstPassword /> : children;
}
