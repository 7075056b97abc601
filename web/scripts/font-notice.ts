// Adds the notice of the Persian font to those of the bundled programs, which Vite writes.
import { appendFile, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Plugin } from 'vite';

const FONT = '@fontsource-variable/vazirmatn';

export function fontNotice(file: string): Plugin {
  let root = '';
  let out = '';
  return {
    name: 'font-notice',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      out = resolve(config.root, config.build.outDir, file);
    },
    closeBundle: {
      sequential: true,
      async handler() {
        const notice = await readFile(resolve(root, `node_modules/${FONT}/LICENSE`), 'utf8');
        await appendFile(out, `\n## ${FONT} (OFL-1.1)\n\n${notice}`);
      },
    },
  };
}
