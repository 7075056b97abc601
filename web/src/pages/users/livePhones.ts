/** Keeps what is shown of phones as they are. */
import { useThrottledCallback } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useLive } from '@/api/live';
import { usePatchRows } from '@/kit/table/useList';

const LIST = '/pbx/users/list';
/** Services that tell of single extensions. */
const DETAILS = ['/pbx/users/get', '/pbx/users/phone_card'];
/** At most so often a list is read anew because of changes. */
const PAUSE = 2_000;
/** At most so often an open extension is. */
const SHORT_PAUSE = 300;

/**
 * Takes over what the live stream tells of phones: rows change where they stand, open extensions are read anew.
 * With `filtered`, a change can also bring rows and take them away, so the list is read anew now and then.
 */
export function useLivePhones(filtered: boolean): void {
  const queries = useQueryClient();
  const patch = usePatchRows(LIST);
  const readList = useThrottledCallback(() => void queries.invalidateQueries({ queryKey: [LIST] }), PAUSE);
  const readDetails = useThrottledCallback(() => {
    for (const path of DETAILS) void queries.invalidateQueries({ queryKey: [path] });
  }, SHORT_PAUSE);

  useLive(['phones'], (message) => {
    readDetails();
    if (message.kind === 'snapshot') {
      readList();
      return;
    }
    const { phones } = message.data;
    patch((row) => {
      const phone = phones[row.number];
      if (phone === undefined || !row.active) return row;
      if (phone.registered === row.registered && phone.state === row.state) return row;
      return { ...row, ...phone };
    });
    if (filtered) readList();
  });
}
