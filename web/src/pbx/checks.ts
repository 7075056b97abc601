/** What fits into the fields of the switchboard, as far as that can be told while somebody types. */

const FORBIDDEN_IN_NAMES = /[${}[\],&|;"<>\\`^]/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

export type Check = (value: string) => boolean;

/** Something that may be left blank. */
export const orBlank =
  (check: Check): Check =>
  (value) =>
    value.trim() === '' || check(value.trim());

export const isNumber: Check = (value) => /^\d{1,20}$/.test(value);
export const isCallerNumber: Check = (value) => /^\+?\d{1,20}$/.test(value);
/** What a phone can dial. */
export const isDialable: Check = (value) => /^[+*#\d]{1,32}$/.test(value);
/** A name that reaches Asterisk. */
export const isName: Check = (value) => value.length <= 80 && !FORBIDDEN_IN_NAMES.test(value);
export const isEmail: Check = (value) => /^[\w.%+'-]{1,64}@[a-z0-9.-]{1,190}$/i.test(value);
/** Name of an outgoing or incoming route. */
export const isRoute: Check = (value) => /^[a-z0-9][\w.-]{0,63}$/i.test(value);
export const isTrunkName: Check = (value) => /^[a-z0-9][\w.-]{0,59}$/i.test(value);
/** Name of a sound or of hold music. */
export const isSound: Check = (value) => value.length <= 80 && /^[\w-]+(?:[./][\w-]+){0,5}$/.test(value);

/** What a phone authenticates with: blanks only inside, or its own form would cut them. */
export const isSecret: Check = (value) => value === value.trim() && value.length <= 128;

export const isPort: Check = (value) =>
  /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65535;

/** Whether it is a whole number from one to another. */
export const isBetween =
  (low: number, high: number): Check =>
  (value) =>
    /^\d{1,6}$/.test(value) && Number(value) >= low && Number(value) <= high;

/** An IPv4 address or a host name; `dynamic` is one of those by its form. */
export const isHost: Check = (value) => {
  if (isIpv4(value)) return true;
  const labels = value.replace(/\.$/, '').split('.');
  return value.length <= 120 && labels.every((label) => LABEL.test(label)) && !/^[\d.]+$/.test(value);
};

/** `10.0.0.7`, `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, and what may well be IPv6. */
export const isNetwork: Check = (value) => {
  if (/^[\da-f]*:[\da-f:.]+(?:\/\d{1,3})?$/i.test(value)) return true;
  const [address = '', mask, ...more] = value.split('/');
  const maskFits = mask === undefined || isIpv4(mask) || isBetween(0, 32)(mask);
  return more.length === 0 && isIpv4(address) && maskFits;
};

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}
