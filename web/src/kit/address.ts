/** The parameters in the page's address, in which filters and open drawers stand. */
import { useCallback } from 'react';
import { useSearchParams } from 'react-router';
import { history } from '@/app/history';

/** Changes parameters; `replace`: going back does not undo it. */
export type ChangeParams = (change: (params: URLSearchParams) => void, options: { replace: boolean }) => void;

/**
 * The parameters, and what changes them. A change begins with what the address is at that moment, not with what was
 * drawn last, so that two that follow each other closely are both done.
 */
export function useParams(): [params: URLSearchParams, change: ChangeParams] {
  const [params, setParams] = useSearchParams();
  const change = useCallback<ChangeParams>(
    (edit, options) => {
      const after = new URLSearchParams(history.location.search);
      edit(after);
      setParams(after, options);
    },
    [setParams],
  );
  return [params, change];
}
