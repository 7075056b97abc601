/**
 * Register strings taken apart and put together: `user[@domain][:secret[:authuser]]@host[:port][/number]`, the same
 * way as `engine/sip_objects.py` reads them.
 */

/** Stands for a secret that is stored; sent back as it is, the secret stays. */
export const MASK = '******';

export interface Registration {
  user: string;
  domain: string;
  secret: string;
  auth_user: string;
  host: string;
  port: string;
  number: string;
}

export const NO_REGISTRATION: Registration = {
  user: '',
  domain: '',
  secret: '',
  auth_user: '',
  host: '',
  port: '',
  number: '',
};

const SCHEME = /^(?:sips?:|(?:udp|tcp|tls):\/\/)/i;
const EXPIRY = /~\d{1,6}$/;

export function partsOf(text: string): Registration {
  const [account, target] = splitLast(text.trim().replace(SCHEME, '').replace(EXPIRY, ''), '@');
  const [address, number] = splitFirst(target, '/');
  const [host, port] = splitFirst(address, ':');
  const [userPart, rest] = splitFirst(account, ':');
  const [user, domain] = splitFirst(userPart, '@');
  const at = rest.lastIndexOf(':');
  const secret = at < 0 ? rest : rest.slice(0, at);
  const auth_user = at < 0 ? '' : rest.slice(at + 1);
  return {
    user,
    domain,
    secret,
    // It was only written to let the secret have a colon.
    auth_user: auth_user === user && secret.includes(':') ? '' : auth_user,
    host,
    port,
    number,
  };
}

/** Puts a register string together; blank when there is neither user nor host. */
export function textOf({ user, domain, secret, auth_user, host, port, number }: Registration): string {
  if (user === '' && host === '') return '';
  // A secret with a colon can only be told from what follows it by the name after it.
  const auth = auth_user === '' && secret.includes(':') ? user : auth_user;
  return [
    user,
    domain && `@${domain}`,
    (secret || auth) && `:${secret}`,
    auth && `:${auth}`,
    `@${host}`,
    port && `:${port}`,
    number && `/${number}`,
  ].join('');
}

function splitFirst(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** What stands before the last separator, and after it; all of it is after when there is none. */
function splitLast(text: string, separator: string): [before: string, after: string] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? ['', text] : [text.slice(0, at), text.slice(at + separator.length)];
}
