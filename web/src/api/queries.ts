/**
 * Reading and changing from components. A query's key is `[path, parameters]`, so that everything that was read
 * from a service is found by its path.
 */
import {
  QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import {
  type AnswerOf,
  type BodyOf,
  type DoneOf,
  type QueryOf,
  type ReadPath,
  read,
  type WritePath,
  write,
} from './client';
import { ApiError, asApiError } from './errors';

const TRIES = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What was refused stays refused; what could not be reached is worth another try.
      retry: (failures, error) =>
        failures < TRIES && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      retryDelay: (failures) => 500 * 2 ** failures,
    },
    mutations: { retry: false },
  },
});

/** Key of what a service answered. */
export function keyOf<P extends ReadPath>(path: P, query?: QueryOf<P>): readonly unknown[] {
  return query === undefined ? [path] : [path, query];
}

export interface ReadOptions {
  /** Not read while false. */
  enabled?: boolean;
  /** Read anew every so many milliseconds. */
  every?: number;
}

/** Reads a service, and again when what was read may have changed. */
export function useRead<P extends ReadPath>(
  path: P,
  query?: QueryOf<P>,
  { enabled = true, every }: ReadOptions = {},
): UseQueryResult<AnswerOf<P>, ApiError> {
  return useQuery<AnswerOf<P>, ApiError>({
    queryKey: keyOf(path, query),
    queryFn: ({ signal }) => read(path, query, signal),
    enabled,
    refetchInterval: every,
  });
}

export interface WriteOptions<P extends WritePath> {
  /** Paths of services whose answers may have changed by this; they are read anew. */
  refresh?: readonly ReadPath[];
  onDone?: (answer: DoneOf<P>, body: BodyOf<P>) => void;
  onFailed?: (error: ApiError, body: BodyOf<P>) => void;
}

/**
 * Calls a service that changes something. Pages use `useWrite` of the kit, which also says what became of it.
 */
export function useWriteQuietly<P extends WritePath>(
  path: P,
  { refresh = [], onDone, onFailed }: WriteOptions<P> = {},
): UseMutationResult<DoneOf<P>, ApiError, BodyOf<P>> {
  const queries = useQueryClient();
  return useMutation<DoneOf<P>, ApiError, BodyOf<P>>({
    mutationKey: [path],
    mutationFn: (body) => write(path, body),
    onSuccess: (answer, body) => {
      for (const stale of refresh) void queries.invalidateQueries({ queryKey: [stale] });
      onDone?.(answer, body);
    },
    onError: (error, body) => onFailed?.(asApiError(error), body),
  });
}
