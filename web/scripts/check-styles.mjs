// Fails when a part of Mantine is used whose styles app/mantine.css does not bring.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const web = fileURLToPath(new URL('..', import.meta.url));
const styles = (part) => join(web, `node_modules/@mantine/core/styles/${part}.layer.css`);
const brought = new Set(
  [...readFileSync(join(web, 'src/app/mantine.css'), 'utf8').matchAll(/styles\/(\w+)\.layer\.css/g)].map(
    (found) => found[1],
  ),
);
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

const missing = new Map();
function look(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) look(path);
    else if (/\.tsx?$/.test(name)) lookAt(path);
  }
}

function lookAt(path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) || statement.moduleSpecifier.text !== '@mantine/core') continue;
    const named = statement.importClause?.namedBindings;
    if (named === undefined || !ts.isNamedImports(named)) continue;
    for (const element of named.elements) {
      const part = (element.propertyName ?? element.name).text;
      for (const one of [part, ...(MADE_OF[part] ?? [])]) {
        if (existsSync(styles(one)) && !brought.has(one)) missing.set(one, relative(web, path));
      }
    }
  }
}

look(join(web, 'src'));
for (const [part, path] of missing) {
  console.error(
    `${path} uses ${part}: add its styles to src/app/mantine.css, in the order of Mantine's list`,
  );
}
process.exitCode = missing.size > 0 ? 1 : 0;
