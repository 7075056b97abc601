/** Which drawer of a page is open stands in its address: going back closes it, and a link opens it. */
import { useCallback, useMemo } from 'react';
import { useParams } from './address';

/**
 * `const drawer = useDrawer('edit')`: `drawer.value` is the id of what is edited, `null` when it is closed.
 * For adding, use a name of its own and any text as value: `useDrawer('add')`, `add.open('1')`.
 * `edit.open(id, 'add')` opens it in place of another one.
 */
export function useDrawer(name: string) {
  const [params, change] = useParams();
  const open = useCallback(
    (value: string, instead?: string) =>
      change(
        (wanted) => {
          if (instead !== undefined) wanted.delete(instead);
          wanted.set(name, value);
        },
        { replace: instead !== undefined },
      ),
    [name, change],
  );
  const close = useCallback(() => change((wanted) => wanted.delete(name), { replace: true }), [name, change]);
  const value = params.get(name);
  return useMemo(() => ({ value, open, close }), [value, open, close]);
}
