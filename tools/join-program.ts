/**
 * Joins the program's modules, and those of its libraries that are plain JavaScript, into a few files: finding, reading and linking two
 * thousand modules is three quarters of what a command takes. What is joined lies in node_modules and goes away with them; the launcher
 * runs it only while no source is newer, and the sources themselves otherwise.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';

export interface JoinedProgram {
  /** Holds `main.mjs`, and an entry for each thread and process that the program starts by itself. */
  readonly folder: string;
  /** False when no source had changed since the last joining. */
  readonly rebuilt: boolean;
}

/** Where processes start; the launcher knows the first. */
const entries = ['src/edge/cli/main.ts'];

/** Left where they are installed: native code beside them, code chosen while they run, or seldom loaded. */
const apart = [
  '@duckdb/*',
  'onnxruntime-node',
  'sharp',
  'esbuild',
  'pg',
  'pg-copy-streams',
  'mysql2',
  'mysql2/*',
  'read-excel-file',
  'read-excel-file/*',
];

/** Programs that still run may yet load a part of theirs. */
const kept = 8;

const outputName = /new URL\('(\.?[\w./-]+)\.ts', import\.meta\.url\)/g;

/**
 * Joins the program, unless what is joined is newer than every source.
 * @param root the checkout
 * @param target the folder that holds what was joined, one folder for each content, and `current`, a link to the newest
 * @throws Error with esbuild's message (file, line, column) when a source is wrong
 */
export async function joinProgram(root: string, target: string = join(root, 'node_modules/.gyre-program')): Promise<JoinedProgram> {
  const current = join(target, 'current');
  if (await isCurrent(root, join(current, 'stamp'))) return { folder: await realpath(current), rebuilt: false };
  await mkdir(target, { recursive: true });
  const fresh = await mkdtemp(join(target, '.fresh-'));
  try {
    // Written before the first source is read: what is saved meanwhile is newer.
    await writeFile(join(fresh, 'stamp'), '');
    const digest = await writeModules(root, fresh);
    const folder = join(target, digest);
    await moveInPlace(fresh, folder);
    const link = join(target, `.link-${basename(fresh)}`);
    await symlink(digest, link);
    await rename(link, current);
    await removeOld(target);
    return { folder, rebuilt: true };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** By the time of a file's last change of any kind, which no copying or unpacking sets back: `-cnewer`, as the launcher asks. */
async function isCurrent(root: string, stamp: string): Promise<boolean> {
  const joined = await stat(stamp, { bigint: true }).catch(() => undefined);
  if (joined === undefined) return false;
  const sources = ['package.json', ...globSync('src/**/*', { cwd: root })].filter((file) => !file.endsWith('.test.ts'));
  const facts = await Promise.all(sources.map((file) => stat(join(root, file), { bigint: true })));
  return facts.every((fact) => !fact.isFile() || fact.ctimeNs <= joined.mtimeNs);
}

async function writeModules(root: string, into: string): Promise<string> {
  const { build } = await import('esbuild');
  const threads = await startedThreads(root);
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [...entries, ...threads].map((file) => ({ in: file, out: basename(file, '.ts') })),
    outdir: into,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    external: apart,
    sourcemap: 'linked',
    sourcesContent: false,
    // What a module of CommonJS asks for while it runs.
    banner: { js: `import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);` },
    plugins: [keepPlaces(root, into)],
    logLevel: 'silent',
    write: false,
  });
  const hash = createHash('sha256');
  for (const { path, contents } of outputFiles.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${basename(path)} ${contents.length}\n`).update(contents);
    await writeFile(path, contents);
  }
  return hash.digest('hex').slice(0, 16);
}

/** The modules that are started by their address: threads and child processes. */
async function startedThreads(root: string): Promise<readonly string[]> {
  const started = new Set<string>();
  for (const file of globSync('src/**/*.ts', { cwd: root })) {
    if (isForTests(file)) continue;
    const text = await readFile(join(root, file), 'utf8');
    for (const [, name] of text.matchAll(outputName)) started.add(join(dirname(file), `${name}.ts`));
  }
  return [...started].sort();
}

const isForTests = (file: string): boolean => /(\.test|-fixture|\/testing|\/contract)\.ts$/.test(file);

/** A module that asks where it lies is told its place among the sources, seen from where it was joined, so that a checkout may be moved. */
function keepPlaces(root: string, into: string): Plugin {
  const sources = join(root, 'src');
  return {
    name: 'keep-places',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (relative(sources, path).startsWith('..')) return undefined;
        const text = await readFile(path, 'utf8');
        if (!text.includes('import.meta.')) return undefined;
        const contents = text
          .replaceAll(outputName, (_, name: string) => `new URL('./${basename(name)}.mjs', import.meta.url)`)
          .replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${relative(into, dirname(path))}`)})`)
          .replaceAll('import.meta.main', 'false');
        return { contents, loader: 'ts' };
      });
    },
  };
}

async function moveInPlace(fresh: string, folder: string): Promise<void> {
  if (existsSync(folder)) {
    await rename(join(fresh, 'stamp'), join(folder, 'stamp'));
    return;
  }
  try {
    await rename(fresh, folder);
  } catch (error) {
    // Another process joined the same just now.
    if (!existsSync(join(folder, 'stamp'))) throw error;
  }
}

async function removeOld(target: string): Promise<void> {
  const folders = (await readdir(target)).filter((name) => /^[0-9a-f]{16}$/.test(name));
  const aged = await Promise.all(
    folders.map(async (name) => ({ name, at: (await stat(join(target, name, 'stamp')).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  for (const { name } of aged.sort((a, b) => b.at - a.at).slice(kept)) await rm(join(target, name), { recursive: true, force: true });
}

if (import.meta.main) {
  const started = performance.now();
  const { rebuilt } = await joinProgram(resolve(import.meta.dirname, '..'));
  if (rebuilt) console.log(`gyre: the program is joined (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
