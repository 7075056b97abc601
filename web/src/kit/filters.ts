/** Filters of a list stand in the page's address: they survive reloading, going back, and can be linked to. */
import { useCallback, useMemo } from 'react';
import { useParams } from './address';

/**
 * `const [filters, setFilters] = useFilters({registered: 'all', account: ''})`: values of the address, or the given
 * ones. Setting one to its given value takes it out of the address.
 */
export function useFilters<F extends Record<string, string>>(
  defaults: F,
): [filters: F, set: (changed: Partial<F>) => void, changed: boolean] {
  const [params, change] = useParams();
  const kept = JSON.stringify(defaults);
  const filters = useMemo(() => {
    const names = JSON.parse(kept) as F;
    return Object.fromEntries(
      Object.entries(names).map(([name, value]) => [name, params.get(name) ?? value]),
    ) as F;
  }, [params, kept]);
  const set = useCallback(
    (changed: Partial<F>) =>
      change(
        (wanted) => {
          const names = JSON.parse(kept) as F;
          for (const [name, value] of Object.entries(changed)) {
            if (value === undefined || value === names[name]) wanted.delete(name);
            else wanted.set(name, value);
          }
        },
        { replace: true },
      ),
    [change, kept],
  );
  const changed = Object.entries(defaults).some(([name, value]) => filters[name] !== value);
  return [filters, set, changed];
}
