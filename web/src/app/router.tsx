import { lazy } from 'react';
import { createBrowserRouter, Outlet, type RouteObject } from 'react-router';
import { Crash } from './Crash';
import { PAGES, type PageEntry } from './pages';
import { PageFrame } from './PageFrame';
import { RequireSession } from './session/RequireSession';
import { WithSuspense } from './WithSuspense';

const SignIn = lazy(() => import('./session/SignIn'));
const Shell = lazy(() => import('./shell/Shell'));
const Profile = lazy(() => import('./session/Profile'));
const NotFound = lazy(() => import('./NotFound'));
const StylePage = lazy(() => import('@/style'));

function pageRoute(page: PageEntry): RouteObject {
  const Page = page.component;
  return {
    path: page.path,
    element: (
      <PageFrame page={{ id: page.id, namespace: page.folder }} right={page.id}>
        <Page />
      </PageFrame>
    ),
    errorElement: <Crash />,
  };
}

const routes: RouteObject[] = [
  {
    element: (
      <WithSuspense>
        <Outlet />
      </WithSuspense>
    ),
    errorElement: <Crash alone />,
    children: [
      { path: '/sign-in', element: <SignIn /> },
      {
        element: (
          <RequireSession>
            <Shell />
          </RequireSession>
        ),
        children: [
          ...PAGES.map(pageRoute),
          {
            path: '/profile',
            element: (
              <PageFrame page={{ id: 'profile', namespace: 'app' }}>
                <Profile />
              </PageFrame>
            ),
            errorElement: <Crash />,
          },
          {
            path: '/style',
            element: (
              <PageFrame page={{ id: 'style', namespace: 'style' }}>
                <StylePage />
              </PageFrame>
            ),
            errorElement: <Crash />,
          },
          {
            path: '*',
            element: (
              <PageFrame page={{ id: 'notFound', namespace: 'app' }}>
                <NotFound />
              </PageFrame>
            ),
          },
        ],
      },
    ],
  },
];

export const router = createBrowserRouter(routes, { basename: '/console' });
