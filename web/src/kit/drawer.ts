/** Which drawer of a page is open stands in its address: going back closes it, and a link opens it. */
import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';

/**
 * `const drawer = useDrawer('edit')`: `drawer.value` is the id of what is edited, `null` when it is closed.
 * For adding, use a name of its own and any text as value: `useDrawer('add')`, `add.open('1')`.
 * `edit.open(id, 'add')` opens it in place of another one.
 */
export function useDrawer(name: string) {
  const [params, setParams] = useSearchParams();
  const open = useCallback(
    (value: string, instead?: string) =>
      setParams(
        (before) => {
          const after = new URLSearchParams(before);
          if (instead !== undefined) after.delete(instead);
          after.set(name, value);
          return after;
        },
        { replace: instead !== undefined },
      ),
    [name, setParams],
  );
  const close = useCallback(
    () =>
      setParams(
        (before) => {
          const after = new URLSearchParams(before);
          after.delete(name);
          return after;
        },
        { replace: true },
      ),
    [name, setParams],
  );
  const value = params.get(name);
  return useMemo(() => ({ value, open, close }), [value, open, close]);
}
