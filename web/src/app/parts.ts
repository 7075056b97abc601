/** What a first load does not need is fetched later, with the styles of what only such parts of the program use. */
import { type ComponentType, type LazyExoticComponent, lazy } from 'react';

/** Fetches a part: `later(() => import('./MenuDrawer'))`. */
export async function later<M>(load: () => Promise<M>): Promise<M> {
  const [part] = await Promise.all([load(), import('./mantine-parts.css')]);
  return part;
}

/** Makes a component of a part whose default export it is. */
export function lazyPart<P>(
  load: () => Promise<{ default: ComponentType<P> }>,
): LazyExoticComponent<ComponentType<P>> {
  return lazy(() => later(load));
}
