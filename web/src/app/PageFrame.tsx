import type { ReactNode } from 'react';
import { ErrorBoundary } from './ErrorBoundary';
import { Forbidden } from './Forbidden';
import { type PageFacts, PageProvider } from './page-context';
import { useMay } from './session/session';
import { WithSuspense } from './WithSuspense';

/** Around every page: whether it may be seen, its texts, and what is shown until it is there. */
export function PageFrame({
  page,
  right,
  children,
}: {
  page: PageFacts;
  right?: string;
  children: ReactNode;
}) {
  const may = useMay();
  if (right !== undefined && !may(right, 'read')) return <Forbidden />;
  return (
    <PageProvider value={page}>
      <ErrorBoundary>
        <WithSuspense>{children}</WithSuspense>
      </ErrorBoundary>
    </PageProvider>
  );
}
