/** The words for what went wrong. */
import { useTranslation } from 'react-i18next';
import { type ApiError, asApiError } from '@/api/errors';
import { usePage } from '@/app/page-context';

/**
 * Gives the text of an error. A page may have words of its own: `error.<code>_<field>` and `error.<code>` in its
 * texts come before the shared `error.<code>`; the server's own message comes last.
 */
export function useErrorText(): (error: unknown) => string {
  const { namespace } = usePage();
  const { t, i18n } = useTranslation(namespace === 'app' ? 'app' : [namespace, 'app']);
  return (thrown) => {
    const error: ApiError = asApiError(thrown);
    const field = error.field?.replaceAll('.', '_');
    const keys = [
      field && `${namespace}:error.${error.code}_${field}`,
      `${namespace}:error.${error.code}`,
      field && `app:error.${error.code}_${field}`,
      `app:error.${error.code}`,
    ].filter((key) => typeof key === 'string' && key !== '' && i18n.exists(key)) as string[];
    const key = keys[0];
    const { reason } = error.params;
    // Some codes have a text for each reason: `weak_password_short`.
    const context = typeof reason === 'string' ? { context: reason } : {};
    return key === undefined ? error.message : t(key, { ...shown(error.params), ...context });
  };
}

/** Lists in texts are written out; what is no plain value stays out. */
function shown(params: ApiError['params']): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => {
      if (typeof value === 'string' || typeof value === 'number') return [[name, value]];
      if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
        return [[name, value.join(', ')]];
      return [];
    }),
  );
}
