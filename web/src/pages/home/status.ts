/** How the contact center is, read again and again. */
import { useQueryClient } from '@tanstack/react-query';
import type { AnswerOf } from '@/api/client';
import { useLive } from '@/api/live';
import { keyOf, useRead } from '@/api/queries';

const PATH = '/home/status';
export type Status = AnswerOf<typeof PATH>;

const EVERY = 5_000;
/** While somebody sets the system up, what they did shows at once. */
const EVERY_SETTING_UP = 1_500;

export function useStatus() {
  const queries = useQueryClient();
  const settingUp = queries.getQueryData<Status>(keyOf(PATH))?.steps.done === false;
  // An engine that goes or comes back is seen without waiting.
  useLive(['engine'], () => void queries.invalidateQueries({ queryKey: keyOf(PATH) }));
  return useRead(PATH, undefined, { every: settingUp ? EVERY_SETTING_UP : EVERY });
}
