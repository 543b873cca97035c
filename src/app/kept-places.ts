import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Plugin } from 'esbuild';

/** How a module names one that is started by its address: a thread, a child process. */
const startedName = /new URL\('(\.?[\w./-]+)\.ts', import\.meta\.url\)/g;

/**
 * As the program is joined at set-up (tools/join-program.ts), which no room may ask: a module that asks where it lies is told its place among the
 * sources, seen from where it was joined, so that a checkout may be moved.
 * @param root the checkout @param into where the joined modules go @param found told of each module that is started by its address
 */
export function keepPlaces(root: string, into: string, found: (file: string) => void): Plugin {
  const sources = join(root, 'src');
  return {
    name: 'keep-places',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (relative(sources, path).startsWith('..')) return undefined;
        const text = await readFile(path, 'utf8');
        if (!text.includes('import.meta.')) return undefined;
        for (const [, name] of text.matchAll(startedName)) found(join(relative(root, dirname(path)), `${name}.ts`));
        const contents = text
          .replaceAll(startedName, (_, name: string) => `new URL('./${basename(name)}.mjs', import.meta.url)`)
          .replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${relative(into, dirname(path))}`)})`)
          .replaceAll('import.meta.main', 'false');
        return { contents, loader: 'ts' };
      });
    },
  };
}
