// Fails when a text is missing in one language, used but not there, there but not used, or written into the program.
//
// Which texts a file uses is read from its source: t('key'), text('key'), keys put together (t(`state.${x}`)
// counts for all of state.*), and the conventions of the kit: a field's name stands for field.<name>, a column's
// id for column.<id>, a section's name for section.<name>.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const LANGUAGES = ['en', 'fa'];
const SHARED = 'app';
/** Texts that are looked for by what the server says. */
const BY_CODE = ['error.'];
/** Attributes that people read or hear. */
const SPOKEN = new Set([
  'title',
  'label',
  'placeholder',
  'aria-label',
  'alt',
  'description',
  'help',
  'text',
  'hint',
  'explained',
]);
const WORD = /\p{L}{2,}/u;
const PLURAL = /_(zero|one|two|few|many|other)$/;
const CONTEXT = /_[a-z]+$/;

const problems = [];
const complain = (where, what) => problems.push(`${where}: ${what}`);

function* filesUnder(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

function flattened(texts, prefix = '') {
  return Object.entries(texts).flatMap(([name, value]) =>
    typeof value === 'object' ? flattened(value, `${prefix}${name}.`) : [[prefix + name, value]],
  );
}

const files = [...filesUnder(SRC)];

// Texts by namespace and language.
const namespaces = new Map();
for (const path of files) {
  const found = /^(?:(app|style)|pages\/([^/]+))\/locales\/(\w+)\.json$/.exec(relative(SRC, path));
  if (found === null) continue;
  const name = found[1] ?? found[2];
  const texts = namespaces.get(name) ?? {};
  texts[found[3]] = new Map(flattened(JSON.parse(readFileSync(path, 'utf8'))));
  namespaces.set(name, texts);
}

const placeholders = (text) =>
  [...text.matchAll(/{{\s*([\w.]+)/g)]
    .map((found) => found[1])
    .sort()
    .join(' ');
for (const [name, texts] of namespaces) {
  for (const language of LANGUAGES) {
    if (texts[language] === undefined) complain(name, `there are no ${language} texts`);
  }
  const all = new Set(LANGUAGES.flatMap((language) => [...(texts[language]?.keys() ?? [])]));
  for (const key of all) {
    const values = LANGUAGES.map((language) => texts[language]?.get(key));
    LANGUAGES.forEach((language, at) => {
      if (values[at] === undefined) complain(name, `${key} is missing in ${language}`);
      else if (values[at].trim() === '') complain(name, `${key} is empty in ${language}`);
    });
    if (values.every((value) => value !== undefined) && new Set(values.map(placeholders)).size > 1) {
      complain(name, `${key} has other values inserted in one language than in the other`);
    }
  }
}

// What the program uses.
const used = new Map([...namespaces.keys()].map((name) => [name, { keys: new Set(), prefixes: new Set() }]));
const CALLS = new Set(['t', 'text', 'textIfAny', 'exists']);

for (const path of files.filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))) {
  const where = relative(SRC, path);
  if (where === 'api/schema.ts') continue;
  const own = /^(?:(style)|pages\/([^/]+))\//.exec(where);
  const home = own === null ? SHARED : (own[1] ?? own[2]);
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
    ts.ScriptKind.TSX,
  );
  const line = (node) => `${where}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
  // t from useTranslation() takes shared texts, t from useTranslation('users') those of that page.
  const translators = new Map();

  const note = (namespace, key, node, must) => {
    const [prefix, rest] = key.includes(':') ? key.split(':', 2) : [namespace, key];
    const texts = namespaces.get(prefix);
    if (texts === undefined) return complain(line(node), `there are no texts ${prefix}`);
    used.get(prefix).keys.add(rest);
    const keys = [...(texts.en?.keys() ?? [])];
    if (must && !keys.some((known) => known === rest || known.replace(PLURAL, '') === rest)) {
      complain(line(node), `there is no text ${prefix}:${rest}`);
    }
  };
  const notePrefix = (namespace, prefix) => {
    const [name, rest] = prefix.includes(':') ? prefix.split(':', 2) : [namespace, prefix];
    used.get(name)?.prefixes.add(rest);
  };
  const noteExpression = (namespace, node, must) => {
    if (ts.isStringLiteralLike(node)) note(namespace, node.text, node, must);
    else if (ts.isTemplateExpression(node)) notePrefix(namespace, node.head.text);
    else if (ts.isConditionalExpression(node)) {
      noteExpression(namespace, node.whenTrue, must);
      noteExpression(namespace, node.whenFalse, must);
    } else if (ts.isArrayLiteralExpression(node)) {
      for (const element of node.elements) noteExpression(namespace, element, false);
    } else if (ts.isParenthesizedExpression(node)) noteExpression(namespace, node.expression, must);
  };

  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && node.initializer && ts.isCallExpression(node.initializer)) {
      const call = node.initializer;
      if (
        ts.isIdentifier(call.expression) &&
        call.expression.text === 'useTranslation' &&
        ts.isObjectBindingPattern(node.name)
      ) {
        const argument = call.arguments[0];
        const namespace =
          argument === undefined ? SHARED : ts.isStringLiteralLike(argument) ? argument.text : null;
        for (const element of node.name.elements) {
          if ((element.propertyName ?? element.name).getText() === 't')
            translators.set(element.name.getText(), namespace);
        }
      }
    }
    if (ts.isCallExpression(node) && node.arguments.length > 0) {
      const callee = ts.isPropertyAccessExpression(node.expression)
        ? node.expression.name.text
        : node.expression.getText();
      if (CALLS.has(callee) || translators.has(callee)) {
        const namespace = ts.isPropertyAccessExpression(node.expression)
          ? SHARED
          : translators.has(callee)
            ? translators.get(callee)
            : home;
        if (namespace !== null)
          noteExpression(namespace, node.arguments[0], callee !== 'exists' && callee !== 'textIfAny');
      }
    }
    if (ts.isJsxAttribute(node) && node.initializer) {
      const name = node.name.getText();
      const value = ts.isStringLiteral(node.initializer)
        ? node.initializer
        : node.initializer.expression && ts.isStringLiteralLike(node.initializer.expression)
          ? node.initializer.expression
          : null;
      if (value !== null) {
        const tag = node.parent.parent.tagName?.getText() ?? '';
        if (name === 'name' && /Field$/.test(tag)) {
          notePrefix(home, `field.${value.text}.`);
          notePrefix(home, `option.${value.text}.`);
        }
        if (name === 'name' && tag === 'FormSection') notePrefix(home, `section.${value.text}.`);
        if (SPOKEN.has(name) && WORD.test(value.text) && home !== 'style') {
          complain(line(node), `${name}="${value.text}" is written into the program`);
        }
      }
    }
    if (
      ts.isPropertyAssignment(node) &&
      node.name.getText() === 'id' &&
      ts.isStringLiteralLike(node.initializer)
    ) {
      used.get(home)?.keys.add(`column.${node.initializer.text}`);
    }
    if (ts.isJsxText(node) && WORD.test(node.text) && home !== 'style') {
      const exempt = node.parent.openingElement?.attributes.properties.some(
        (attribute) => attribute.name?.getText() === 'translate',
      );
      if (!exempt) complain(line(node), `"${node.text.trim()}" is written into the program`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

for (const [name, { keys, prefixes }] of used) {
  for (const key of namespaces.get(name).en?.keys() ?? []) {
    const plain = key.replace(PLURAL, '');
    const isUsed =
      keys.has(key) ||
      keys.has(plain) ||
      keys.has(plain.replace(CONTEXT, '')) ||
      BY_CODE.some((prefix) => key.startsWith(prefix)) ||
      [...prefixes].some((prefix) => prefix !== '' && key.startsWith(prefix));
    if (!isUsed) complain(name, `nothing uses ${key}`);
  }
}

if (problems.length > 0) {
  console.error(problems.sort().join('\n'));
  console.error(`${problems.length} faults in texts`);
  process.exitCode = 1;
}
