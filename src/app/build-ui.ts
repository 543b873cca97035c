import { createHash } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';

export interface BuiltUi {
  /** The folder to serve: `index.html` and the assets it names. */
  readonly folder: string;
  /** False when the sources had not changed since the last bundling. */
  readonly rebuilt: boolean;
}

const checkoutRoot = resolve(import.meta.dirname, '../..');
const stampName = '.sources';

/**
 * Bundles the web pages into `ui/dist` if their sources changed since it was last done; without a change it costs a few file stats.
 * The new folder moves in place whole, and what it serves is named by content, so that a page loaded before keeps its assets' names.
 * @param root the checkout
 * @throws Error with esbuild's message (file, line, column) when a source is wrong
 */
export async function buildUi(root: string = checkoutRoot): Promise<BuiltUi> {
  const sources = join(root, 'ui');
  const folder = join(sources, 'dist');
  const stamp = await stampOfSources(root);
  const known = await readFile(join(folder, stampName), 'utf8').catch(() => undefined);
  if (known === stamp) return { folder, rebuilt: false };

  const fresh = await mkdtemp(join(sources, '.dist-'));
  try {
    await bundle(sources, fresh);
    await writeFile(join(fresh, stampName), stamp);
    await replaceFolder(folder, fresh);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  return { folder, rebuilt: true };
}

/** A digest of what the bundle is made from: each file's name, size and time, so that no file is read. */
async function stampOfSources(root: string): Promise<string> {
  const files = [
    ...globSync('ui/**/*.{ts,tsx,css,html,svg,woff2}', { cwd: root, exclude: (name) => /(^|[\\/])(dist|\.dist-[^\\/]*)$/.test(name) }),
    ...globSync('src/foundation/contract/**/*.ts', { cwd: root }),
    'package-lock.json',
  ];
  const facts = await Promise.all(
    files
      .filter((file) => !file.endsWith('.test.ts'))
      .sort()
      .map(async (file) => {
        const { size, mtimeMs } = await stat(join(root, file));
        return `${file.replaceAll(sep, '/')} ${size} ${mtimeMs}`;
      }),
  );
  return createHash('sha256').update(facts.join('\n')).digest('hex');
}

async function bundle(sources: string, into: string): Promise<void> {
  // Only here: a start that finds the bundle current never loads esbuild.
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: sources,
    entryPoints: ['main.tsx'],
    outdir: join(into, 'assets'),
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    sourcemap: 'linked',
    metafile: true,
    logLevel: 'silent',
    loader: { '.svg': 'dataurl', '.woff2': 'file' },
  });
  const outputs = Object.entries(metafile.outputs);
  const entry = outputs.find(([, output]) => output.entryPoint === 'main.tsx');
  if (entry === undefined) throw new Error('esbuild wrote no bundle for ui/main.tsx');
  const script = baseName(entry[0]);
  const style = entry[1].cssBundle === undefined ? '' : `<link rel="stylesheet" href="/assets/${baseName(entry[1].cssBundle)}" />`;
  const template = await readFile(join(sources, 'index.html'), 'utf8');
  if (!template.includes('<!-- bundle -->')) throw new Error('ui/index.html must hold <!-- bundle --> where its script and style belong');
  const page = template.replace('<!-- bundle -->', `${style}<script type="module" src="/assets/${script}"></script>`);
  await writeFile(join(into, 'index.html'), page);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A folder cannot be renamed over a full one: the old one steps aside first. */
async function replaceFolder(folder: string, fresh: string): Promise<void> {
  const aside = `${fresh}-old`;
  await rename(folder, aside).catch((error: unknown) => {
    // There was none, or another process has moved it aside just now.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
  try {
    await rename(fresh, folder);
  } catch (error) {
    // Another process put its bundle there first: theirs is as good, ours goes.
    if (!existsSync(join(folder, stampName))) throw error;
    await rm(fresh, { recursive: true, force: true });
  }
  await rm(aside, { recursive: true, force: true });
}

if (import.meta.main) {
  const { rebuilt } = await buildUi();
  console.log(rebuilt ? 'the web pages are bundled' : 'the web pages are up to date');
}
