/** Who is signed in here, and what they may do. */
import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect } from 'react';
import { type AnswerOf, read, setCsrf, setRefusedHandler } from '@/api/client';
import type { ApiError } from '@/api/errors';
import { live } from '@/api/live';
import { keyOf, queryClient } from '@/api/queries';

export type Current = AnswerOf<'/session/current'>;
export type Session = NonNullable<Current['session']>;
export type Right = 'read' | 'update' | 'play';

const PATH = '/session/current';
const CurrentContext = createContext<Current | null>(null);

/** Takes over what an answer says about who is signed in. What was read for somebody else is forgotten. */
export function setCurrent(current: Current): void {
  const before = queryClient.getQueryData<Current>(keyOf(PATH));
  setCsrf(current.session?.csrf ?? '');
  queryClient.setQueryData(keyOf(PATH), current);
  if (before?.session?.account_id !== current.session?.account_id) {
    live.close();
    queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== PATH });
  }
}

function forgetSession(): void {
  const before = queryClient.getQueryData<Current>(keyOf(PATH));
  if (before?.signed_in) setCurrent({ ...before, signed_in: false, session: null });
}

function askAgain(): void {
  void queryClient.invalidateQueries({ queryKey: keyOf(PATH) });
}

/** Reads who is signed in; `children` get it as soon as it is known. */
export function SessionProvider({
  children,
  loading,
  failed,
}: {
  children: ReactNode;
  loading: ReactNode;
  failed: (error: ApiError, retry: () => void) => ReactNode;
}) {
  const query = useQuery<Current, ApiError>({
    queryKey: keyOf(PATH),
    queryFn: async ({ signal }) => {
      const current = await read(PATH, undefined, signal);
      setCsrf(current.session?.csrf ?? '');
      return current;
    },
    staleTime: 60_000,
  });
  useEffect(() => {
    setRefusedHandler((error) => (error.code === 'signed_out' ? forgetSession() : askAgain()));
    live.onSessionEnded = forgetSession;
    live.onRefused = askAgain;
  }, []);
  if (query.data !== undefined) {
    return <CurrentContext.Provider value={query.data}>{children}</CurrentContext.Provider>;
  }
  return query.isError ? failed(query.error, () => void query.refetch()) : loading;
}

/** What every page needs to know, signed in or not. */
export function useCurrent(): Current {
  const current = useContext(CurrentContext);
  if (current === null) throw new Error('no SessionProvider above');
  return current;
}

/** The session, on pages that are only there with one. */
export function useSession(): Session {
  const { session } = useCurrent();
  if (session === null) throw new Error('nobody is signed in');
  return session;
}

/** Whether whoever is signed in has a right on a page: `may('pbx.users', 'update')`. */
export function useMay(): (page: string, right: Right) => boolean {
  const { session } = useCurrent();
  return (page, right) => session?.rights[page]?.includes(right) ?? false;
}
