/** Those of some values that are not what they were, so that nothing else is sent, and nobody else's change undone. */
export function changesIn<V extends object>(before: V, after: V): Partial<V> {
  return Object.fromEntries(
    Object.entries(after).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof V]),
    ),
  ) as Partial<V>;
}
