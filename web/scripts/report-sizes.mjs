// Prints what the first load of the pages that matter most takes, gzipped, and whether one is over the budget. That
// is for whoever works on the pages: a browser test fails by it, a build does not.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUDGET = 250_000;
const web = fileURLToPath(new URL('..', import.meta.url));
const built = resolve(web, process.env.TAMAS_CONSOLE_BUILT ?? '../src/tamas/console/static');
const manifest = JSON.parse(readFileSync(join(built, '.vite/manifest.json'), 'utf8'));
const ENTRY = 'index.html';
const FONT = /vazirmatn-arabic.*\.woff2$/;

const LOADS = {
  'sign-in': (language) => [ENTRY, 'src/app/session/SignIn.tsx', `src/app/locales/${language}.json`],
  home: (language) => [
    ENTRY,
    'src/app/shell/Shell.tsx',
    'src/pages/home/index.tsx',
    `src/app/locales/${language}.json`,
    `src/pages/home/locales/${language}.json`,
  ],
};

function filesOf(keys) {
  const files = new Set(['index.html', 'first.js', 'icon.svg']);
  const seen = new Set();
  const add = (key) => {
    const part = manifest[key];
    if (part === undefined) throw new Error(`${key} is not in the build`);
    if (seen.has(key)) return;
    seen.add(key);
    files.add(part.file);
    for (const style of part.css ?? []) files.add(style);
    for (const other of part.imports ?? []) add(other);
  };
  keys.forEach(add);
  return [...files];
}

function sizeOf(file) {
  const path = join(built, file);
  if (existsSync(`${path}.gz`)) return readFileSync(`${path}.gz`).length;
  return file.endsWith('.woff2')
    ? readFileSync(path).length
    : gzipSync(readFileSync(path), { level: 9 }).length;
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1).padStart(6)} kB`;
const font = Object.values(manifest)
  .flatMap((part) => [part.file, ...(part.assets ?? [])])
  .find((file) => FONT.test(file));
for (const [name, keysFor] of Object.entries(LOADS)) {
  for (const language of ['en', 'fa']) {
    const files = filesOf(keysFor(language));
    if (language === 'fa' && font !== undefined) files.push(font);
    const total = files.reduce((sum, file) => sum + sizeOf(file), 0);
    const fits = total <= BUDGET;
    console.log(
      `first load of ${name.padEnd(8)} ${language}  ${kilobytes(total)}${fits ? '' : '  OVER THE BUDGET'}`,
    );
    if (process.argv.includes('--files')) {
      for (const file of files.sort((a, b) => sizeOf(b) - sizeOf(a)))
        console.log(`    ${kilobytes(sizeOf(file))}  ${file}`);
    }
  }
}
