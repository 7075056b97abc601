/** What the console's API answers when it does not do what was asked. */

export interface ErrorParams {
  [name: string]: unknown;
}

/** A request that failed. `status` 0 and code `offline`: no answer came at all. */
export class ApiError extends Error {
  readonly status: number;
  /** On this pages branch, and by this they translate: `error.<code>`. */
  readonly code: string;
  /** Dotted name of the field at fault. */
  readonly field: string | null;
  readonly params: ErrorParams;

  constructor(
    status: number,
    code: string,
    message: string,
    field: string | null = null,
    params: ErrorParams = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.field = field;
    this.params = params;
  }
}

/** Makes an ApiError of the body of an answer, whatever is in it. */
export function errorOf(status: number, body: unknown): ApiError {
  const error = isObject(body) && isObject(body.error) ? body.error : {};
  return new ApiError(
    status,
    typeof error.code === 'string' ? error.code : 'broken',
    typeof error.message === 'string' ? error.message : `HTTP ${status}`,
    typeof error.field === 'string' ? error.field : null,
    isObject(error.params) ? error.params : {},
  );
}

/** Any thrown thing as an ApiError. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError(0, 'broken', thrown instanceof Error ? thrown.message : String(thrown));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
