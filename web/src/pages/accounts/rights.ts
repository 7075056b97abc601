/** Rights of account types, as the server reckons them: whoever cannot see a page can do nothing on it. */
import type { RowOf } from '@/api/client';
import { type Right, useSession } from '@/app/session/session';

export type AccountType = RowOf<'/account_types/list'>;
export type Rights = Readonly<Record<string, readonly Right[]>>;

export const RIGHTS: readonly Right[] = ['read', 'update', 'play'];

export function has(rights: Rights, page: string, right: Right): boolean {
  return rights[page]?.includes(right) ?? false;
}

/** Grants or takes a right; doing something on a page needs seeing it. */
export function withRight(rights: Rights, page: string, right: Right, granted: boolean): Rights {
  const before = rights[page] ?? [];
  const after = granted
    ? RIGHTS.filter((one) => one === 'read' || one === right || before.includes(one))
    : right === 'read'
      ? []
      : before.filter((one) => one !== right);
  const { [page]: _, ...others } = rights;
  return after.length === 0 ? others : { ...others, [page]: after };
}

/** Whether everything that other rights grant is granted by these too. */
export function covers(rights: Rights, other: Rights): boolean {
  return Object.entries(other).every(([page, granted]) => granted.every((one) => has(rights, page, one)));
}

/** Whether whoever is signed in may grant these rights: nobody gives what they do not have. */
export function useMayGrant(): (rights: Rights) => boolean {
  const { rights } = useSession();
  return (other) => covers(rights as Rights, other);
}
