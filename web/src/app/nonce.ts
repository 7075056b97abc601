/** The nonce with which this page may have styles of its own; the server made it for this response. */
import { setNonce } from 'get-nonce';

const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');
const found = meta?.nonce || meta?.getAttribute('nonce') || '';

/** For libraries that add style elements by themselves. */
setNonce(found);

export function styleNonce(): string {
  return found;
}
