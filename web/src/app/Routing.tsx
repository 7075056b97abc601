import { lazy } from 'react';
import { type HistoryRouterProps, Route, unstable_HistoryRouter as Router, Routes } from 'react-router';
import { ErrorBoundary } from './ErrorBoundary';
import { history } from './history';
import { PageFrame } from './PageFrame';
import { PAGES } from './pages';
import { lazyPart } from './parts';
import { RequireSession } from './session/RequireSession';
import { WithSuspense } from './WithSuspense';

const SignIn = lazy(() => import('./session/SignIn'));
const Shell = lazy(() => import('./shell/Shell'));
const Profile = lazyPart(() => import('./session/Profile'));
const NotFound = lazy(() => import('./NotFound'));
const StylePage = lazyPart(() => import('@/style'));

/** Which address shows what. Pages are listed in `pages.tsx`. */
export function Routing() {
  return (
    <Router basename="/console" history={history as unknown as HistoryRouterProps['history']}>
      <ErrorBoundary alone>
        <WithSuspense>
          <Routes>
            <Route path="/sign-in" element={<SignIn />} />
            <Route
              element={
                <RequireSession>
                  <Shell />
                </RequireSession>
              }
            >
              {PAGES.map(({ id, path, folder, component: Page }) => (
                <Route
                  key={id}
                  path={path}
                  element={
                    <PageFrame key={id} page={{ id, namespace: folder }} right={id}>
                      <Page />
                    </PageFrame>
                  }
                />
              ))}
              <Route
                path="/profile"
                element={
                  <PageFrame key="profile" page={{ id: 'profile', namespace: 'app' }}>
                    <Profile />
                  </PageFrame>
                }
              />
              <Route
                path="/style"
                element={
                  <PageFrame key="style" page={{ id: 'style', namespace: 'style' }}>
                    <StylePage />
                  </PageFrame>
                }
              />
              <Route
                path="*"
                element={
                  <PageFrame key="notFound" page={{ id: 'notFound', namespace: 'app' }}>
                    <NotFound />
                  </PageFrame>
                }
              />
            </Route>
          </Routes>
        </WithSuspense>
      </ErrorBoundary>
    </Router>
  );
}
