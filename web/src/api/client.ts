/**
 * The one way to the console's API: `read` for GET services, `write` for POST services, both typed by path.
 *
 * They resolve to the answer itself and reject with an {@link ApiError}.
 */
import createClient from 'openapi-fetch';
import { ApiError, errorOf } from './errors';
import type { paths } from './schema';

export const API = '/api/console/v1';

/** Services that are read, by path. */
export type ReadPath = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];
/** Services that change something, by path. */
export type WritePath = { [P in keyof paths]: paths[P] extends { post: object } ? P : never }[keyof paths];

type Operation<P extends keyof paths, M extends 'get' | 'post'> = NonNullable<paths[P][M]>;
type Content<T> = T extends { content: { 'application/json': infer C } } ? C : undefined;
type Ok<T> = T extends { responses: { 200: infer R } } ? Content<R> : undefined;

/** What a read service answers. */
export type AnswerOf<P extends ReadPath> = Ok<Operation<P, 'get'>>;
/** What a read service takes in its query. */
export type QueryOf<P extends ReadPath> =
  Operation<P, 'get'> extends { parameters: { query?: infer Q } } ? NonNullable<Q> : Record<string, never>;
/** What a write service answers; `undefined` when it answers nothing. */
export type DoneOf<P extends WritePath> = Ok<Operation<P, 'post'>>;
/** What a write service takes; `void` when it takes nothing. */
export type BodyOf<P extends WritePath> =
  Operation<P, 'post'> extends { requestBody?: { content: { 'application/json': infer C } } }
    ? [C] extends [never]
      ? void
      : C
    : void;
/** A row of a list that answers `{rows}`. */
export type RowOf<P extends ReadPath> = AnswerOf<P> extends { rows: (infer R)[] } ? R : never;

let csrf = '';
let onRefused: (error: ApiError) => void = () => {};

/** Sets what goes into the header of every POST; it comes with the session. */
export function setCsrf(token: string): void {
  csrf = token;
}

/** Called with every refusal that means: this browser is signed out, or must first do something else. */
export function setRefusedHandler(handler: (error: ApiError) => void): void {
  onRefused = handler;
}

const client = createClient<paths>({
  baseUrl: API,
  credentials: 'same-origin',
  headers: { Accept: 'application/json' },
  querySerializer: { array: { style: 'form', explode: false } },
});

client.use({
  onRequest({ request }) {
    if (request.method !== 'GET') request.headers.set('X-CSRF-Token', csrf);
  },
});

interface Result {
  data?: unknown;
  error?: unknown;
  response: Response;
}

type Call = (path: string, options: object) => Promise<Result>;

/** Calls a read service. Parameters that are `undefined` or empty text are left out. */
export async function read<P extends ReadPath>(
  path: P,
  query?: QueryOf<P>,
  signal?: AbortSignal,
): Promise<AnswerOf<P>> {
  const call = client.GET as unknown as Call;
  return (await settled(() => call(path, { params: { query: cleaned(query) }, signal }))) as AnswerOf<P>;
}

/** Calls a write service. */
export async function write<P extends WritePath>(path: P, body?: BodyOf<P>): Promise<DoneOf<P>> {
  const call = client.POST as unknown as Call;
  return (await settled(() => call(path, { body: body ?? {} }))) as DoneOf<P>;
}

/** Address of a read service, for links that the browser follows itself, such as downloads. */
export function addressOf<P extends ReadPath>(path: P, query?: QueryOf<P>): string {
  const entries = Object.entries(cleaned(query)).map(([name, value]) => [name, String(value)]);
  const search = new URLSearchParams(entries).toString();
  return `${API}${path}${search && `?${search}`}`;
}

function cleaned(query: object | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );
}

async function settled(call: () => Promise<Result>): Promise<unknown> {
  let result: Result;
  try {
    result = await call();
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown;
    throw new ApiError(0, 'offline', 'no answer came');
  }
  if (result.response.ok) return result.data;
  const error = errorOf(result.response.status, result.error);
  if (error.code === 'signed_out' || error.code === 'password_change_required') onRefused(error);
  throw error;
}
