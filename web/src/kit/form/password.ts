/** How hard a password is to guess, roughly, and making one. */

/** 0 very weak … 4 strong. */
export type Strength = 0 | 1 | 2 | 3 | 4;

const KINDS: readonly (readonly [RegExp, number])[] = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/[0-9]/, 10],
  [/[^A-Za-z0-9]/, 33],
];
const RUNS = 'abcdefghijklmnopqrstuvwxyz|0123456789|qwertyuiop|asdfghjkl|zxcvbnm';
const COMMON = /pass(word)?|admin|tamas|welcome|letmein|secret|iloveyou|qwerty|1234/i;
const THRESHOLDS = [28, 42, 56, 72];

/**
 * Counts the guesses in bits as if characters were drawn by chance, and takes away what people do: repeats,
 * runs of the alphabet or the keyboard, well-known words. A hint to whoever types, not a check.
 */
export function strengthOf(password: string): Strength {
  const alphabet = KINDS.reduce((sum, [kind, size]) => sum + (kind.test(password) ? size : 0), 0);
  let counted = 0;
  for (let at = 0; at < password.length; at += 1) {
    counted += at > 0 && follows(password[at - 1] ?? '', password[at] ?? '') ? 0.25 : 1;
  }
  const fresh = Math.min(counted, new Set(password).size * 1.5);
  const bits = Math.log2(Math.max(alphabet, 1)) * fresh - (COMMON.test(password) ? 20 : 0);
  return THRESHOLDS.filter((threshold) => bits >= threshold).length as Strength;
}

function follows(before: string, after: string): boolean {
  const pair = (before + after).toLowerCase();
  return before === after || RUNS.includes(pair) || RUNS.includes([...pair].reverse().join(''));
}

// Without characters that are mistaken for each other when read aloud or written down.
const ALPHABET = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 18;

/** A password by chance: 18 characters, 104 bits. */
export function generatedPassword(): string {
  const limit = Math.floor(256 / ALPHABET.length) * ALPHABET.length;
  let password = '';
  while (password.length < LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH * 2))) {
      if (byte < limit && password.length < LENGTH) password += ALPHABET[byte % ALPHABET.length];
    }
  }
  return password;
}
