/** A request to the Simotel API as a command for a POSIX shell. */
import { useQuery } from '@tanstack/react-query';
import type { RowOf } from '@/api/client';
import { ApiError } from '@/api/errors';

export type Auth = RowOf<'/api_accounts/list'>['auth'];

/** What an account sends; a secret that nobody knows any more is `null`. */
export interface Credentials {
  username: string;
  auth: Auth;
  password: string | null;
  token: string | null;
}

interface Property {
  format?: string;
  examples?: readonly unknown[];
}

interface Operation {
  requestBody?: {
    content: {
      'application/json'?: { example?: unknown };
      'multipart/form-data'?: {
        schema: { properties?: Record<string, Property>; required?: readonly string[] };
      };
    };
  };
}

/** What is needed of the OpenAPI document. */
export interface Document {
  paths: Record<string, { post?: Operation }>;
}

const DOCUMENT = '/api/v4/openapi.json';
const PREFIX = '/api/v4';
/** In place of secrets that are not known. */
export const PASSWORD = 'PASSWORD';
export const TOKEN = 'TOKEN';

/** Reads the OpenAPI document of the Simotel API. */
export function useDocument() {
  return useQuery<Document, ApiError>({
    queryKey: [DOCUMENT],
    queryFn: async ({ signal }) => {
      let response: Response;
      try {
        response = await fetch(DOCUMENT, { signal });
      } catch (thrown) {
        if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown;
        throw new ApiError(0, 'offline', 'no answer came');
      }
      if (!response.ok) throw new ApiError(response.status, 'broken', `HTTP ${response.status}`);
      return (await response.json()) as Document;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The command that calls a service, such as `/pbx/users/add`, with its example. */
export function curlOf(document: Document, permission: string, credentials: Credentials): string {
  const { username, auth, password, token } = credentials;
  const content = document.paths[permission]?.post?.requestBody?.content;
  const parts = ['curl -X POST'];
  if (auth !== 'token') parts.push(`-u ${quoted(`${username}:${password ?? PASSWORD}`)}`);
  if (auth !== 'basic') parts.push(`-H ${quoted(`X-APIKEY: ${token ?? TOKEN}`)}`);
  const json = content?.['application/json'];
  const form = content?.['multipart/form-data']?.schema;
  if (json !== undefined) {
    parts.push(`-H ${quoted('Content-Type: application/json')}`);
    parts.push(`-d ${quoted(JSON.stringify(json.example ?? {}, null, 2))}`);
  }
  for (const name of form?.required ?? []) {
    const property = form?.properties?.[name];
    const example = String(property?.examples?.[0] ?? (property?.format === 'binary' ? '@file' : ''));
    parts.push(`-F ${quoted(`${name}=${example}`)}`);
  }
  parts.push(quoted(window.location.origin + PREFIX + permission));
  return parts.join(' \\\n  ');
}

/** A word that a shell takes as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
