/**
 * The pages of the console, each said once: its address, its place in the menu, the right that shows it and the
 * folder under `src/pages/` that holds it and its texts. Name and explanation are `page.<id>` in the shared texts.
 */
import {
  IconActivity,
  IconApi,
  IconFileText,
  IconHome,
  IconPhoneCall,
  IconSettings,
  IconStack2,
  IconUserShield,
  IconUsers,
  IconWorld,
} from '@tabler/icons-react';
import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { lazyPart } from './parts';

export type PageGroup = 'top' | 'pbx' | 'maintenance';

export interface PageEntry {
  /** Also the name under which rights are given, as in `console/rights.py`. */
  id: string;
  path: string;
  icon: ComponentType<{ size?: number | string; stroke?: number | string }>;
  group: PageGroup;
  /** Name of the folder, and namespace of the page's texts. */
  folder: string;
  component: LazyExoticComponent<ComponentType>;
}

export const PAGES: readonly PageEntry[] = [
  {
    id: 'home',
    path: '/',
    icon: IconHome,
    group: 'top',
    folder: 'home',
    component: lazy(() => import('@/pages/home')),
  },
  {
    id: 'calls',
    path: '/calls',
    icon: IconPhoneCall,
    group: 'top',
    folder: 'calls',
    component: lazyPart(() => import('@/pages/calls')),
  },
  {
    id: 'pbx.users',
    path: '/pbx/users',
    icon: IconUsers,
    group: 'pbx',
    folder: 'users',
    component: lazyPart(() => import('@/pages/users')),
  },
  {
    id: 'pbx.trunks',
    path: '/pbx/trunks',
    icon: IconWorld,
    group: 'pbx',
    folder: 'trunks',
    component: lazyPart(() => import('@/pages/trunks')),
  },
  {
    id: 'pbx.queues',
    path: '/pbx/queues',
    icon: IconStack2,
    group: 'pbx',
    folder: 'queues',
    component: lazyPart(() => import('@/pages/queues')),
  },
  {
    id: 'maintenance.api_accounts',
    path: '/maintenance/api-accounts',
    icon: IconApi,
    group: 'maintenance',
    folder: 'api-accounts',
    component: lazyPart(() => import('@/pages/api-accounts')),
  },
  {
    id: 'maintenance.api_logs',
    path: '/maintenance/api-logs',
    icon: IconFileText,
    group: 'maintenance',
    folder: 'api-logs',
    component: lazyPart(() => import('@/pages/api-logs')),
  },
  {
    id: 'maintenance.settings',
    path: '/maintenance/settings',
    icon: IconSettings,
    group: 'maintenance',
    folder: 'settings',
    component: lazyPart(() => import('@/pages/settings')),
  },
  {
    id: 'maintenance.accounts',
    path: '/maintenance/accounts',
    icon: IconUserShield,
    group: 'maintenance',
    folder: 'accounts',
    component: lazyPart(() => import('@/pages/accounts')),
  },
  {
    id: 'maintenance.activity',
    path: '/maintenance/activity',
    icon: IconActivity,
    group: 'maintenance',
    folder: 'activity',
    component: lazyPart(() => import('@/pages/activity')),
  },
];

export const GROUPS: readonly PageGroup[] = ['top', 'pbx', 'maintenance'];
