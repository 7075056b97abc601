/** Keeps what is shown of trunks as they are. */
import { useThrottledCallback } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useLive } from '@/api/live';
import { usePatchRows } from '@/kit/table/useList';

const LIST = '/pbx/trunks/list';
const DETAIL = '/pbx/trunks/get';
/** At most so often an open trunk is read anew. */
const PAUSE = 300;

/** Takes over what the live stream tells of trunks: rows change where they stand, an open one is read anew. */
export function useLiveTrunks(): void {
  const queries = useQueryClient();
  const patch = usePatchRows(LIST);
  const readDetail = useThrottledCallback(
    () => void queries.invalidateQueries({ queryKey: [DETAIL] }),
    PAUSE,
  );
  useLive(['trunks'], (message) => {
    readDetail();
    if (message.kind === 'snapshot') {
      void queries.invalidateQueries({ queryKey: [LIST] });
      return;
    }
    const { trunks } = message.data;
    patch((row) => {
      const trunk = trunks[row.name];
      return trunk === undefined || !row.active ? row : { ...row, ...trunk };
    });
  });
}
