import { type ReactNode, useEffect, useRef } from 'react';

/** Puts the cursor into the first field inside, when somebody has asked for it. */
export function BeginHere({ children }: { children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.querySelector('input')?.focus(), []);
  return <div ref={place}>{children}</div>;
}
