/** Keeps what is shown of queues as they are. */
import { useThrottledCallback } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useLive } from '@/api/live';
import { usePatchRows } from '@/kit/table/useList';

const LIST = '/pbx/queues/list';
/** Services that tell of an open queue: its agents and callers, and who could join. */
const DETAILS = ['/pbx/queues/get', '/pbx/queues/candidates'];
/** At most so often an open queue is read anew. */
const PAUSE = 300;

/** Takes over what the live stream tells of queues: rows change where they stand, an open one is read anew. */
export function useLiveQueues(): void {
  const queries = useQueryClient();
  const patch = usePatchRows(LIST);
  const readDetails = useThrottledCallback(() => {
    for (const path of DETAILS) void queries.invalidateQueries({ queryKey: [path] });
  }, PAUSE);
  useLive(['queues', 'phones'], (message) => {
    readDetails();
    if (message.topic !== 'queues') return;
    if (message.kind === 'snapshot') {
      void queries.invalidateQueries({ queryKey: [LIST] });
      return;
    }
    const { queues } = message.data;
    patch((row) => {
      const queue = queues[row.number];
      return queue === undefined ? row : { ...row, ...queue };
    });
  });
}
