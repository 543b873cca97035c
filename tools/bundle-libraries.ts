/**
 * Joins libraries of several hundred small modules into a few files, for the launcher's `--import`: finding and reading 800 modules is a
 * quarter of the platform's start. Types, and every tool that does not go through the launcher, see the libraries as they are installed.
 * Called at set-up; what it writes lies in node_modules and goes away with them.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Import → file. Only libraries of pure ES modules: their exports are the same in one file. */
const libraries = {
  typebox: 'typebox',
  'typebox/schema': 'typebox-schema',
  'typebox/value': 'typebox-value',
  kysely: 'kysely',
} as const;

const register = `// Made by tools/bundle-libraries.ts.
import { registerHooks } from 'node:module';
const files = ${JSON.stringify(libraries)};
registerHooks({
  resolve(specifier, context, next) {
    const file = Object.hasOwn(files, specifier) ? files[specifier] : undefined;
    if (file === undefined) return next(specifier, context);
    return { url: new URL(file + '.mjs', import.meta.url).href, format: 'module', shortCircuit: true };
  },
});
`;

/**
 * Writes the bundles and the module that puts them in the libraries' place.
 * @param root the checkout
 * @param target the folder to write: replaced whole
 */
export async function bundleLibraries(root: string, target: string): Promise<void> {
  const parent = join(target, '..');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, '.gyre-libraries-'));
  try {
    await build({
      absWorkingDir: root,
      entryPoints: Object.entries(libraries).map(([from, out]) => ({ in: from, out })),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      chunkNames: 'shared-[hash]',
      bundle: true,
      // What several of them share stays one: a schema that one makes is known to the other.
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node26',
      logLevel: 'warning',
    });
    await writeFile(join(folder, 'register.mjs'), register);
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  await bundleLibraries(root, join(root, 'node_modules/.gyre-libraries'));
}
