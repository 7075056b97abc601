/** A table as a file that spreadsheets open. */

const SEPARATORS = /[",\n\r]/;
/** A cell that begins so would be taken for a formula. */
const FORMULA = /^[=+\-@\t]/;

/** Comma separated values (RFC 4180), in UTF-8 with the mark by which spreadsheets know it. */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return `\ufeff${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

function cell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return SEPARATORS.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Lets the browser keep a text as a file. */
export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download begins in a later turn of the browser.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
