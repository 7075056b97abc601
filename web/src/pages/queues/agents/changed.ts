import type { ReadPath } from '@/api/client';

/** Services that tell something else when somebody has joined or left a queue, or takes a break. */
export const CHANGED: readonly ReadPath[] = [
  '/pbx/queues/get',
  '/pbx/queues/list',
  '/pbx/queues/candidates',
  '/pbx/users/list',
  '/pbx/users/get',
];
