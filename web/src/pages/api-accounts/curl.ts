/** A request to the Simotel API as a command for a POSIX shell. */
import type { AnswerOf, RowOf } from '@/api/client';

export type Auth = RowOf<'/api_accounts/list'>['auth'];
export type Example = AnswerOf<'/api_accounts/example'>;

/** What an account sends; a secret that nobody knows any more is `null`. */
export interface Credentials {
  username: string;
  auth: Auth;
  password: string | null;
  token: string | null;
}

const PREFIX = '/api/v4';
/** In place of secrets that are not known. */
export const PASSWORD = 'PASSWORD';
export const TOKEN = 'TOKEN';

/** The command that calls a service with its example. */
export function curlOf({ permission, form, values }: Example, credentials: Credentials): string {
  const { username, auth, password, token } = credentials;
  const entries = Object.entries(values as Record<string, unknown>);
  const parts = ['curl'];
  if (auth !== 'token') parts.push(`-u ${quoted(`${username}:${password ?? PASSWORD}`)}`);
  if (auth !== 'basic') parts.push(`-H ${quoted(`X-APIKEY: ${token ?? TOKEN}`)}`);
  if (form) {
    parts.push(...entries.map(([name, value]) => `-F ${quoted(`${name}=${String(value)}`)}`));
  } else if (entries.length > 0) {
    parts.push(`-H ${quoted('Content-Type: application/json')}`);
    parts.push(`-d ${quoted(JSON.stringify(values, null, 2))}`);
  } else {
    parts.push('-X POST');
  }
  parts.push(quoted(window.location.origin + PREFIX + permission));
  return parts.join(' \\\n  ');
}

/** A word that a shell takes as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
