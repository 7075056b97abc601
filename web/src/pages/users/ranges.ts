/** Numbers that follow each other. */

/** Stands for each number in a name. */
export const NUMBER_PLACE = '{number}';
/** Most numbers that are added at once. */
export const MOST = 1_000;

/** How many numbers there are from one to another; `null` when that is no range, or too long a one. */
export function numbersIn(first: string, last: string): { count: number } | null {
  if (first.length !== last.length && first.startsWith('0')) return null;
  const count = BigInt(last) - BigInt(first) + 1n;
  return count >= 1n && count <= BigInt(MOST) ? { count: Number(count) } : null;
}

/** Numbers in order, those that follow each other as `200–299`. */
export function spansOf(numbers: readonly string[]): string[] {
  const spans: [first: string, last: string][] = [];
  for (const number of numbers) {
    const open = spans.at(-1);
    if (open !== undefined && open[1].length === number.length && BigInt(open[1]) + 1n === BigInt(number)) {
      open[1] = number;
    } else {
      spans.push([number, number]);
    }
  }
  return spans.map(([first, last]) => (first === last ? first : `${first}–${last}`));
}
