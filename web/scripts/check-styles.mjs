// Fails when a part of Mantine is used whose styles are not brought: what a first load takes finds them in
// app/mantine.css, everything else in app/mantine-parts.css too.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const web = fileURLToPath(new URL('..', import.meta.url));
const src = join(web, 'src');
const styles = (part) => join(web, `node_modules/@mantine/core/styles/${part}.layer.css`);
const broughtBy = (file) =>
  new Set(
    [...readFileSync(join(src, file), 'utf8').matchAll(/styles\/(\w+)\.layer\.css/g)].map(
      (found) => found[1],
    ),
  );
const FIRST_FILE = 'app/mantine.css';
const LATER_FILE = 'app/mantine-parts.css';
const first = broughtBy(FIRST_FILE);
const all = new Set([...first, ...broughtBy(LATER_FILE)]);
/** What is fetched without the later styles, with everything that it imports. */
const FIRST_LOAD = [
  'main.tsx',
  'app/NotFound.tsx',
  'app/session/SignIn.tsx',
  'app/shell/Shell.tsx',
  'pages/home/index.tsx',
];
/** Parts that are made of others. */
const MADE_OF = {
  Select: ['Combobox', 'Input'],
  TagsInput: ['Combobox', 'Input', 'Pill', 'PillsInput'],
  MultiSelect: ['Combobox', 'Input', 'Pill', 'PillsInput'],
  Autocomplete: ['Combobox', 'Input'],
  TextInput: ['Input'],
  Textarea: ['Input'],
  NativeSelect: ['Input'],
  Switch: ['InlineInput'],
  Checkbox: ['InlineInput'],
  Radio: ['InlineInput'],
};

/** Modules that a file imports when it is loaded, and the parts of Mantine that it uses. */
function importsOf(path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const modules = [];
  const parts = [];
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) || statement.importClause?.isTypeOnly) continue;
    const name = statement.moduleSpecifier.text;
    const named = statement.importClause?.namedBindings;
    if (name === '@mantine/core' && named !== undefined && ts.isNamedImports(named)) {
      for (const element of named.elements) {
        const part = (element.propertyName ?? element.name).text;
        parts.push(...[part, ...(MADE_OF[part] ?? [])].filter((one) => existsSync(styles(one))));
      }
    }
    if (name.startsWith('.')) modules.push(join(dirname(path), name));
    else if (name.startsWith('@/')) modules.push(join(src, name.slice(2)));
  }
  return { modules, parts };
}

function fileOf(module) {
  return [module, `${module}.tsx`, `${module}.ts`, join(module, 'index.tsx')].find(
    (path) => existsSync(path) && statSync(path).isFile() && /\.tsx?$/.test(path),
  );
}

const faults = new Set();
const complain = (path, part, file) =>
  faults.add(
    `${relative(web, path)} uses ${part}: add its styles to ${file}, in the order of Mantine's list`,
  );

const seen = new Set();
function follow(path) {
  if (path === undefined || seen.has(path)) return;
  seen.add(path);
  const { modules, parts } = importsOf(path);
  for (const part of parts) if (!first.has(part)) complain(path, part, FIRST_FILE);
  for (const module of modules) follow(fileOf(module));
}
for (const entry of FIRST_LOAD) follow(join(src, entry));

function look(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) look(path);
    else if (/\.tsx?$/.test(name) && !seen.has(path)) {
      for (const part of importsOf(path).parts) if (!all.has(part)) complain(path, part, LATER_FILE);
    }
  }
}
look(src);

if (faults.size > 0) {
  console.error([...faults].join('\n'));
  process.exitCode = 1;
}
