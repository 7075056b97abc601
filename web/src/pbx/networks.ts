/** Lists of networks: text with commas for the Simotel API, separate values in a form. */

/** What the API stores for "every address"; in forms that is the empty list. */
const EVERYWHERE = '0.0.0.0/0.0.0.0';

export function networksOf(text: string): string[] {
  return text === EVERYWHERE ? [] : text.split(',').filter((network) => network !== '');
}

export function textOfNetworks(networks: readonly string[]): string {
  return networks.length === 0 ? EVERYWHERE : networks.join(',');
}
