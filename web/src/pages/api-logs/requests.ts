/** What a request to the Simotel API came to, and what to make of it. */
import type { RowOf } from '@/api/client';
import type { Tone } from '@/kit/StateBadge';

export type Request = RowOf<'/api_log/list'>;

/** As the server filters by it. */
export type Outcome = 'done' | 'failed' | 'refused';

export const TONES: Record<Outcome, Tone> = { done: 'ok', failed: 'warn', refused: 'bad' };

const UNAUTHORIZED = 401;
const FORBIDDEN = 403;

export function outcomeOf({ status, success }: Request): Outcome {
  if (status === UNAUTHORIZED || status === FORBIDDEN) return 'refused';
  return status < 400 && success !== 0 ? 'done' : 'failed';
}

/** Which explanation fits a request that was not done; the texts have one for each. */
export type Explanation =
  | 'address'
  | 'permission'
  | 'missing'
  | 'wrong'
  | 'unparseable'
  | 'service'
  | 'method'
  | 'media'
  | 'field'
  | 'busy'
  | 'broken'
  | 'failed';

const BY_STATUS: Readonly<Record<number, Explanation>> = {
  400: 'unparseable',
  405: 'method',
  415: 'media',
  500: 'broken',
  501: 'service',
  503: 'busy',
};

export function explanationOf(request: Request): Explanation | null {
  if (outcomeOf(request) === 'done') return null;
  const { status, message, error_field: field } = request;
  if (status === FORBIDDEN) return message?.endsWith('Access denied') ? 'permission' : 'address';
  if (status === UNAUTHORIZED) return message?.endsWith('missing') ? 'missing' : 'wrong';
  return BY_STATUS[status] ?? (field === null ? 'failed' : 'field');
}
