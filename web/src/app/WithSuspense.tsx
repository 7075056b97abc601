import { type ReactNode, Suspense } from 'react';
import { LoadingState } from '@/kit/states/LoadingState';

/** What is shown while a part of the program or its texts are fetched. */
export function WithSuspense({ children }: { children: ReactNode }) {
  return <Suspense fallback={<LoadingState delayed />}>{children}</Suspense>;
}
