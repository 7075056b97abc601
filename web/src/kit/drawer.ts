/** Which drawer of a page is open stands in its address: going back closes it, and a link opens it. */
import { useSearchParams } from 'react-router';

/**
 * `const drawer = useDrawer('edit')`: `drawer.value` is the id of what is edited, `null` when it is closed.
 * For adding, use a name of its own and any text as value: `useDrawer('add')`, `add.open('1')`.
 */
export function useDrawer(name: string) {
  const [params, setParams] = useSearchParams();
  return {
    value: params.get(name),
    open: (value: string) =>
      setParams((before) => {
        const after = new URLSearchParams(before);
        after.set(name, value);
        return after;
      }),
    close: () =>
      setParams(
        (before) => {
          const after = new URLSearchParams(before);
          after.delete(name);
          return after;
        },
        { replace: true },
      ),
  };
}
