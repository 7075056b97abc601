import { useThrottledCallback } from '@mantine/hooks';
import { useRef } from 'react';
import { type QueryOf, read } from '@/api/client';
import { useLive } from '@/api/live';
import type { LogSource } from '@/kit/table/useLog';
import type { Request } from './requests';

const PATH = '/api_log/list';
/** News are asked for at most this often. */
const PAUSE = 1_000;
const MOST = 100;

/**
 * Adds requests to the log as they come in. With filters, the server is asked which of the new ones fit: it alone
 * knows what a network or a beginning of an address is.
 */
export function useLiveRows(
  log: LogSource<Request>,
  filters: Partial<QueryOf<typeof PATH>>,
  filtered: boolean,
): void {
  const began = useRef(false);
  const { prepend } = log;
  const ask = useThrottledCallback(() => {
    read(PATH, { ...filters, count: MOST }).then(
      (answer) => prepend(answer.rows),
      () => {}, // The next request that comes in is the next try.
    );
  }, PAUSE);
  useLive(['api_log'], (message) => {
    if (message.kind === 'change') {
      if (filtered) ask();
      else prepend([...message.data.rows].reverse());
    } else {
      // The first one belongs to what is being read anyway; later ones tell that news were lost.
      if (began.current) log.retry();
      began.current = true;
    }
  });
}
