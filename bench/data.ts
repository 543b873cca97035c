/*
 * Versioning of data files beside the real dvc: the same files, the same verbs, by turns in one run, each verb a process of its own with its
 * start, the disk quiet before each. Beside them the floor: bare worker threads that read, hash (MD5 and SHA-256) and write the same bytes.
 *
 *   ./gyre bench data [--files N] [--large-mb N] [--rounds N] [--settle SECONDS] [--folder DIR]
 *
 * GYRE_TEST_VENV names a Python environment with dvc (default: .venv of the checkout). Times are wall-clock seconds, medians of the rounds.
 *
 * Small files are deleted at the very end, and what a verb is to bring back is moved aside: for a minute and more after a deletion ext4 without
 * a journal passes over the inodes that became free, one by one, whenever it makes a file, and whoever comes next pays for it. Deletions before
 * the first round are given `--settle` seconds to be forgotten (70 without it).
 */
import { execFile, execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
  closeSync,
  renameSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { seeded } from '#core';

const { values: flags } = parseArgs({
  options: {
    files: { type: 'string', default: '100000' },
    'large-mb': { type: 'string', default: '2048' },
    rounds: { type: 'string', default: '3' },
    settle: { type: 'string', default: '70' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const [files, largeMb, rounds] = [flags.files, flags['large-mb'], flags.rounds].map(Number);
const checkout = resolve(import.meta.dirname, '..');
const dvcProgram = join(process.env.GYRE_TEST_VENV ?? join(checkout, '.venv'), 'bin/dvc');
const run = promisify(execFile);
/** What a small file takes on the disk, with its entries. */
const bytesPerFile = 9000;
/** A round's copies of the files: of each tool the workspace's, the cache, the remote, the clone's cache and its workspace twice; the floor's. */
const copiesPerRound = 13;
const environment = { ...process.env, DVC_NO_ANALYTICS: '1', GIT_CONFIG_GLOBAL: '/dev/null', NO_COLOR: '1' };

/** How many times faster than dvc it is to be. */
const wanted: Readonly<Record<string, number>> = { add: 4, status: 8, 're-add after one change': 8, push: 4, pull: 5, checkout: 5 };

type Tool = 'gyre' | 'dvc' | 'floor';
const times = new Map<string, Map<Tool, number[]>>();

function note(operation: string, tool: Tool, seconds: number): void {
  const byTool = times.get(operation) ?? new Map<Tool, number[]>();
  times.set(operation, byTool.set(tool, [...(byTool.get(tool) ?? []), seconds]));
}

async function timed(operation: string, tool: Tool, work: () => Promise<unknown>): Promise<void> {
  execFileSync('sync');
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  note(operation, tool, seconds);
  console.log(`  ${operation.padEnd(40)} ${tool.padEnd(6)} ${seconds.toFixed(2)} s`);
}

const ran = (program: string, words: readonly string[], folder: string): Promise<unknown> =>
  run(program, words, { cwd: folder, env: environment, maxBuffer: 64 * 1024 * 1024 });
const git = (folder: string, ...words: string[]): Promise<unknown> =>
  ran('git', ['-c', 'user.name=Bench', '-c', 'user.email=bench@example.org', ...words], folder);

/** The words of a verb for each tool. */
function verb(tool: 'gyre' | 'dvc', words: readonly string[], folder: string): Promise<unknown> {
  if (tool === 'dvc') return ran(dvcProgram, words, folder);
  return ran(join(checkout, 'gyre'), ['data', ...words], folder);
}

/** Files of 2 to 10 KB in folders of a thousand, of bytes that do not compress. */
function writeSmall(folder: string): number {
  const random = seeded(1);
  const bytes = Buffer.allocUnsafe(1024 * 1024);
  for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(random.int(2 ** 32), i);
  let total = 0;
  for (let i = 0; i < files; i++) {
    const at = join(folder, `part-${String(Math.floor(i / 1000)).padStart(4, '0')}`);
    if (i % 1000 === 0) mkdirSync(at, { recursive: true });
    const size = 2048 + random.int(8193);
    bytes.writeUInt32LE(i, 0);
    const from = random.int(bytes.length - size - 4) & ~3;
    const part = Buffer.from(bytes.subarray(from, from + size));
    part.writeUInt32LE(i, 0);
    writeFileSync(join(at, `${String(i).padStart(6, '0')}.bin`), part);
    total += size;
  }
  return total;
}

function writeLarge(path: string): number {
  const random = seeded(2);
  const bytes = Buffer.allocUnsafe(8 * 1024 * 1024);
  const file = openSync(path, 'w');
  for (let done = 0; done < largeMb; done += 8) {
    for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(random.int(2 ** 32), i);
    writeSync(file, bytes, 0, Math.min(8, largeMb - done) * 1024 * 1024);
  }
  closeSync(file);
  return largeMb * 1024 * 1024;
}

/** Bare threads over the same files: read, MD5, SHA-256, write under another name, rename. */
const floorThread = `
const { createHash, hash } = require('node:crypto');
const fs = require('node:fs');
const { workerData: { from, to, paths, thread } } = require('node:worker_threads');
const chunk = Buffer.allocUnsafeSlow(4 * 1024 * 1024);
for (const [i, path] of paths.entries()) {
  const file = fs.openSync(from + '/' + path, 'r');
  const temporary = to + '/' + thread + '-' + i;
  const out = fs.openSync(temporary, 'w', 0o444);
  const read = fs.readSync(file, chunk, 0, chunk.length, null);
  let name;
  if (read < chunk.length) {
    const bytes = chunk.subarray(0, read);
    name = hash('md5', bytes);
    hash('sha256', bytes);
    fs.writeSync(out, bytes);
  } else {
    const [md5, sha256] = [createHash('md5'), createHash('sha256')];
    for (let n = read; n > 0; n = fs.readSync(file, chunk, 0, chunk.length, null)) {
      const bytes = chunk.subarray(0, n);
      md5.update(bytes); sha256.update(bytes);
      fs.writeSync(out, bytes);
    }
    name = md5.digest('hex');
  }
  fs.closeSync(file);
  fs.closeSync(out);
  fs.renameSync(temporary, to + '/' + name.slice(0, 2) + '/' + name.slice(2));
}`;

async function floor(source: string, scratch: string, suffix: string): Promise<void> {
  const to = mkdtempSync(join(scratch, 'floor-'));
  for (let i = 0; i < 256; i++) mkdirSync(join(to, i.toString(16).padStart(2, '0')), { recursive: true });
  const paths = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bin'));
  const threads = Math.min(availableParallelism(), paths.length);
  await timed(`hash and write${suffix}`, 'floor', () =>
    Promise.all(
      Array.from({ length: threads }, (_, thread) => {
        const part = paths.filter((__, i) => i % threads === thread);
        const worker = new Worker(floorThread, { eval: true, workerData: { from: source, to, paths: part, thread } });
        return new Promise((done, fail) => worker.once('exit', done).once('error', fail));
      }),
    ),
  );
  if (suffix !== '') rmSync(to, { recursive: true });
}

/** All verbs of one tool on one data set, in a repository that is new. @param change a file in it, which gets another byte */
async function round(tool: 'gyre' | 'dvc', source: string, scratch: string, change: string | undefined, suffix: string): Promise<void> {
  const parent = mkdtempSync(join(scratch, `${tool}-`));
  const [work, clone, remote] = ['work', 'clone', 'remote'].map((name) => join(parent, name));
  mkdirSync(work);
  await git(work, 'init', '-q');
  await ran(dvcProgram, ['init', '-q'], work);
  await ran(dvcProgram, ['remote', 'add', '-q', '-d', 'store', remote], work);
  await ran(dvcProgram, ['config', 'core.check_update', 'false'], work);
  cpSync(source, join(work, 'data'), { recursive: true });
  const step = (name: string, folder: string, ...words: string[]): Promise<void> =>
    timed(`${name}${suffix}`, tool, () => verb(tool, words, folder));
  await step('add', work, 'add', 'data');
  // The first look after an add is not yet one at which nothing changed: both tools note down what they see.
  await verb(tool, ['status'], work);
  await step('status', work, 'status');
  if (change !== undefined) {
    appendFileSync(join(work, 'data', change), 'x');
    await step('re-add after one change', work, 'add', 'data');
  }
  await step('push', work, 'push');
  await git(work, 'add', '-A');
  await git(work, 'commit', '-q', '-m', 'data');
  await git(parent, 'clone', '-q', work, clone);
  await step('pull', clone, 'pull');
  renameSync(join(clone, 'data'), join(parent, 'pulled'));
  await step('checkout', clone, 'checkout');
  if (suffix !== '') rmSync(parent, { recursive: true });
}

/** One file through each tool's first verb: what they compile once and keep is not timed. */
async function warmUp(scratch: string): Promise<void> {
  for (const tool of ['gyre', 'dvc'] as const) {
    const folder = mkdtempSync(join(scratch, 'warm-'));
    await git(folder, 'init', '-q');
    await ran(dvcProgram, ['init', '-q'], folder);
    writeFileSync(join(folder, 'one'), 'one');
    for (const words of [['add', 'one'], ['status']]) await verb(tool, words, folder);
  }
}

/** @throws Error when the disk has too little room: better before the first round than in the last */
function requireRoom(folder: string): void {
  const needed = files * bytesPerFile * (1 + copiesPerRound * rounds) + largeMb * 1024 * 1024 * 7;
  const { bavail, bsize } = statfsSync(folder);
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  if (bavail * bsize >= needed) return;
  throw new Error(
    `${folder} has ${gigabytes(bavail * bsize)} GB left, and this takes up to ${gigabytes(needed)} GB: fewer --files or --rounds, or another --folder`,
  );
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

function report(suffix: string): void {
  const bare = times.get(`hash and write${suffix}`)?.get('floor') ?? [];
  const head = ['gyre', 'dvc', 'ratio'].map((word) => word.padStart(9)).join('');
  console.log(`\n${`median seconds${suffix}`.padEnd(44)}${head}   wanted       gyre beside the floor of ${median(bare).toFixed(2)} s`);
  let [met, all] = [0, 0];
  for (const [name, goal] of Object.entries(wanted)) {
    const byTool = times.get(`${name}${suffix}`);
    if (byTool === undefined) continue;
    const [gyre, dvc] = (['gyre', 'dvc'] as const).map((tool) => byTool.get(tool) ?? []);
    const ratio = median(dvc) / median(gyre);
    // A target is of many small files.
    const said = suffix === '' ? `${goal} ${ratio >= goal ? 'met' : 'MISSED'}` : '';
    all += 1;
    if (ratio >= goal) met += 1;
    const figures = [median(gyre), median(dvc), ratio].map((each, i) => each.toFixed(i === 2 ? 1 : 2).padStart(9)).join('');
    const beside = ['add', 'push', 'pull', 'checkout'].includes(name) ? `${(median(gyre) / median(bare)).toFixed(2)} x` : '';
    const spread = `${range(gyre)}; dvc ${range(dvc)}`;
    console.log(`${name.padEnd(44)}${figures}   ${said.padEnd(13)}${beside.padEnd(8)}gyre ${spread}`);
  }
  if (suffix === '') console.log(`${met} of ${all} targets met`);
}

const range = (list: readonly number[]): string => `${Math.min(...list).toFixed(2)} to ${Math.max(...list).toFixed(2)}`;

const scratch = mkdtempSync(join(resolve(flags.folder), 'gyre-bench-data-'));
const started = performance.now();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    rmSync(scratch, { recursive: true, force: true });
    process.exit(130);
  });
}
try {
  requireRoom(scratch);
  const { stdout } = await run(dvcProgram, ['--version'], { env: environment });
  const sets = [
    ...(files > 0 ? [{ name: 'small', suffix: '', change: 'part-0000/000007.bin' }] : []),
    ...(largeMb > 0 ? [{ name: 'large', suffix: ` (one file of ${largeMb} MB)`, change: undefined }] : []),
  ];
  for (const { name } of sets) mkdirSync(join(scratch, name));
  const smallBytes = files > 0 ? writeSmall(join(scratch, 'small')) : 0;
  if (largeMb > 0) writeLarge(join(scratch, 'large/large.bin'));
  await warmUp(scratch);
  console.log(
    `${files} files of 2 to 10 KB (${(smallBytes / 1e6).toFixed(0)} MB), one of ${largeMb} MB; dvc ${stdout.trim()}, Node ${process.version}, ${availableParallelism()} processors, ${rounds} rounds`,
  );
  console.log('durability: dvc flushes nothing; gyre flushes .dvc files, listings and configuration (fsync), and no file object, as dvc');
  execFileSync('sync');
  await sleep(Number(flags.settle) * 1000);
  for (let i = 0; i < rounds; i++) {
    console.log(`round ${i + 1}`);
    for (const { name, suffix, change } of sets) {
      const source = join(scratch, name);
      await floor(source, scratch, suffix);
      for (const tool of i % 2 === 0 ? (['gyre', 'dvc'] as const) : (['dvc', 'gyre'] as const))
        await round(tool, source, scratch, change, suffix);
    }
  }
  for (const { suffix } of sets) report(suffix);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`\n${((performance.now() - started) / 60_000).toFixed(1)} minutes, all that was written is deleted`);
