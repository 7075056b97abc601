/**
 * Which services an account may call, as the Simotel API reads it: a list of patterns. `*` stands for all services,
 * `/pbx/*` for everything below `/pbx`, `/pbx/*\/search` for one segment in between.
 */
import type { AnswerOf } from '@/api/client';

export type Services = AnswerOf<'/api_accounts/services'>;
export type Service = Services['groups'][number]['services'][number];

export const EVERYTHING = '*';
const BELOW = '/*';
const SERVICE_SEGMENTS = 3;

/** Services under one address: an area such as `/pbx`, or a group such as `/pbx/users`. The root has no path. */
export interface Branch {
  path: string;
  /** The server's own name of the group, if it has one. */
  title: string | null;
  branches: readonly Branch[];
  services: readonly Service[];
  /** All services in it, however deep. */
  all: readonly Service[];
}

/** The tree of all services, in the order of the registry. */
export function treeOf(services: Services): Branch {
  const titles = new Map(services.groups.map((group) => [group.path, group.title]));
  return branchOf(
    '',
    services.groups.flatMap((group) => group.services),
    titles,
  );
}

function branchOf(path: string, all: readonly Service[], titles: ReadonlyMap<string, string>): Branch {
  const own: Service[] = [];
  const below = new Map<string, Service[]>();
  for (const service of all) {
    const [next = '', ...others] = service.permission.slice(path.length + 1).split('/');
    if (others.length === 0) own.push(service);
    else below.set(next, [...(below.get(next) ?? []), service]);
  }
  return {
    path,
    title: titles.get(path) ?? null,
    services: own,
    branches: [...below].map(([name, inside]) => branchOf(`${path}/${name}`, inside, titles)),
    all,
  };
}

/** A pattern as the server keeps it: `pbx/users` becomes `/pbx/users/*`. What is none stays as it is. */
export function normalised(given: string): string {
  const slashed = given.trim().replace(/^(?!\/)/, '/');
  const text = slashed.replace(/^\/api\/v4(?=\/|$)/i, '').replace(/(.)\/$/, '$1');
  if (text === BELOW) return EVERYTHING;
  return text.endsWith(BELOW) || text.split('/').length > SERVICE_SEGMENTS ? text : text + BELOW;
}

/** The pattern for everything in a branch, also what comes later. */
export function patternOf(branch: Pick<Branch, 'path'>): string {
  return branch.path === '' ? EVERYTHING : branch.path + BELOW;
}

/** Whether a pattern allows a service. */
export function allows(pattern: string, permission: string): boolean {
  if (pattern === EVERYTHING) return true;
  const below = pattern.endsWith(BELOW);
  const wanted = (below ? pattern.slice(0, -BELOW.length) : pattern).split('/');
  const given = permission.split('/');
  return (
    (below ? given.length > wanted.length : given.length === wanted.length) &&
    wanted.every((segment, at) => segment === given[at] || (segment === '*' && given[at] !== ''))
  );
}

/** The pattern of a list that allows a service: the widest that is a branch's, else any. */
export function reasonFor(patterns: readonly string[], permission: string): string | undefined {
  const fitting = patterns.filter((pattern) => allows(pattern, permission));
  return fitting.sort((a, b) => a.length - b.length)[0];
}

/** Whether a branch is allowed as a whole, so that services that come later are allowed too. */
export function coversFuture(patterns: readonly string[], branch: Pick<Branch, 'path'>): boolean {
  return patterns.some(
    (pattern) => pattern === EVERYTHING || (pattern.endsWith(BELOW) && allows(pattern, `${branch.path}/x`)),
  );
}

/** Services of a branch that are allowed. */
export function allowedOf(patterns: readonly string[], branch: Branch): readonly Service[] {
  return branch.all.filter((service) => patterns.some((pattern) => allows(pattern, service.permission)));
}

/** Patterns that allow none of today's services. */
export function emptyPatterns(patterns: readonly string[], root: Branch): string[] {
  return patterns.filter((pattern) => !root.all.some((service) => allows(pattern, service.permission)));
}

/** The list with a whole branch added; what is then said twice goes. */
export function withBranch(patterns: readonly string[], branch: Branch): string[] {
  const added = patternOf(branch);
  return [...patterns.filter((pattern) => pattern !== added && !isWithin(pattern, branch.path)), added];
}

/** The list with one service added. */
export function withService(patterns: readonly string[], service: Service): string[] {
  return patterns.some((pattern) => allows(pattern, service.permission))
    ? [...patterns]
    : [...patterns, service.permission];
}

/**
 * The list without a branch or service. Patterns that allow more than that are put as narrow as it takes: without
 * `/pbx/users`, `*` becomes everything beside it, branch by branch.
 */
export function without(patterns: readonly string[], path: string, root: Branch): string[] {
  const gone = (permission: string) => permission === path || permission.startsWith(`${path}/`);
  const kept = patterns.flatMap((pattern) => {
    if (pattern === path || isWithin(pattern, path)) return [];
    const allowed = root.all.filter((service) => allows(pattern, service.permission));
    if (!allowed.some((service) => gone(service.permission))) return [pattern];
    const whole = branchAt(root, pattern);
    if (whole !== undefined) return besides(whole, path);
    return allowed.map((service) => service.permission).filter((permission) => !gone(permission));
  });
  return kept.filter(
    (pattern, at) => !kept.some((other, place) => place !== at && includes(other, pattern, place < at)),
  );
}

/** Whether `other` says all that `pattern` says; of two equal ones the first stays. */
function includes(other: string, pattern: string, earlier: boolean): boolean {
  if (other === pattern) return earlier;
  return other === EVERYTHING || (other.endsWith(BELOW) && isWithin(pattern, other.slice(0, -BELOW.length)));
}

/** Whether a pattern only allows what is below a path. */
function isWithin(pattern: string, path: string): boolean {
  return path === '' || pattern.startsWith(`${path}/`);
}

/** The branch of which a pattern allows everything. */
function branchAt(branch: Branch, pattern: string): Branch | undefined {
  if (patternOf(branch) === pattern) return branch;
  for (const inner of branch.branches) {
    const found = branchAt(inner, pattern);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Everything in a branch but what is at a path inside it. */
function besides(branch: Branch, path: string): string[] {
  const towards = (inner: Branch) => path === inner.path || path.startsWith(`${inner.path}/`);
  return [
    ...branch.branches.flatMap((inner) =>
      inner.path === path ? [] : towards(inner) ? besides(inner, path) : [patternOf(inner)],
    ),
    ...branch.services.map((service) => service.permission).filter((permission) => permission !== path),
  ];
}
