/** What this browser remembers of how somebody likes the console. Nothing secret. */

const PREFIX = 'tamas.';

export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null; // storage is forbidden here
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is full or forbidden here: it holds until the page is loaded anew.
  }
}

/** The remembered value of a JSON kind, or the given one where there is none that fits. */
export function rememberedJson<T>(name: string, fits: (value: unknown) => value is T, otherwise: T): T {
  try {
    const value: unknown = JSON.parse(remembered(name) ?? 'null');
    return fits(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}
