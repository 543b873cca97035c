import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, cp, mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { joinProgram } from './join-program.ts';

/** A program small enough to be joined in a moment, with all that a large one does: it asks where it lies, and starts a thread. */
const files = {
  'package.json': '{ "type": "module", "version": "1.0", "imports": { "#told": "./src/told/index.ts" } }',
  'src/edge/cli/main.ts': `import { Worker } from 'node:worker_threads';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { told } from '#told';
if (process.argv[2] === 'fail') told.fail();
const worker = new Worker(new URL('./told-worker.ts', import.meta.url), { execArgv: [] });
worker.once('message', (message: string) => console.log(told.word, readFileSync(join(import.meta.dirname, '../../../notice.txt'), 'utf8').trim(), message));
`,
  'src/edge/cli/told-worker.ts': `import { parentPort } from 'node:worker_threads';
const answer: string = import.meta.url.endsWith('.mjs') ? 'joined' : 'source';
parentPort?.postMessage(answer);
`,
  'src/told/index.ts': `export interface Told { readonly word: string; readonly fail: () => never }
export const told: Told = {
  word: 'first',
  fail() {
    throw new Error('on purpose');
  },
};
`,
  'notice.txt': 'beside',
};

describe('the program joined for a quicker start', () => {
  let folder = '';
  let root = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-joined-'));
    root = join(folder, 'checkout');
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(root, name, '..'), { recursive: true });
      await writeFile(join(root, name), text);
    }
    await mkdir(join(root, 'node_modules'));
  });
  after(() => rm(folder, { recursive: true }));

  const run = async (...words: string[]): Promise<string> => {
    const main = join(root, 'node_modules/.gyre-program/current/main.mjs');
    return (await promisify(execFile)(process.execPath, ['--enable-source-maps', main, ...words])).stdout.trim();
  };

  test('does what its sources do: reads what lies beside them, and starts its threads', async () => {
    assert.equal((await joinProgram(root)).rebuilt, true);
    assert.equal(await run(), 'first beside joined');
  });

  test('is left as it is while no source changes, whatever the tests do', async () => {
    await writeFile(join(root, 'src/told/told.test.ts'), 'export {};\n');
    assert.equal((await joinProgram(root)).rebuilt, false);
  });

  test('is joined anew when a source was written, even by one who sets its time back', async () => {
    const other = join(folder, 'other.ts');
    await writeFile(other, files['src/told/index.ts'].replace('first', 'second'));
    await promisify(execFile)('touch', ['-d', '2001-01-01', other]);
    await cp(other, join(root, 'src/told/index.ts'), { preserveTimestamps: true });
    assert.equal((await joinProgram(root)).rebuilt, true);
    assert.equal(await run(), 'second beside joined');
  });

  test('leaves the modules of a program that still runs', async () => {
    const folders = (await readdir(join(root, 'node_modules/.gyre-program'))).filter((name) => name !== 'current');
    assert.equal(folders.length, 2, folders.join(', '));
    for (const name of folders) await access(join(root, 'node_modules/.gyre-program', name, 'main.mjs'));
  });

  test('says the place in the source where an error was thrown', async () => {
    await assert.rejects(run('fail'), ({ stderr }: { readonly stderr: string }) => /src\/told\/index\.ts:5/.test(stderr));
  });

  test('works in a checkout that was moved', async () => {
    await rename(root, `${root}-moved`);
    root = `${root}-moved`;
    assert.equal(await run(), 'second beside joined');
  });

  test('stays as it was when a source is wrong, and says where', async () => {
    await writeFile(join(root, 'src/told/index.ts'), 'export const told = {;\n');
    await assert.rejects(joinProgram(root), /src\/told\/index\.ts:1:21/);
    assert.equal(await run(), 'second beside joined');
    assert.deepEqual(
      (await readdir(join(root, 'node_modules/.gyre-program'))).filter((name) => name.startsWith('.')),
      [],
    );
  });

  test('is not what the launcher runs while a source is newer', async () => {
    await writeFile(join(root, 'src/told/index.ts'), files['src/told/index.ts'].replace('first', 'third'));
    await writeFile(join(root, 'package-lock.json'), '{}');
    await writeFile(join(root, 'node_modules/.gyre-lock.json'), '{}');
    await symlink(process.execPath, join(root, 'node_modules/.gyre-node'));
    const launcher = join(root, 'gyre');
    await writeFile(launcher, await readFile(join(import.meta.dirname, '../gyre'), 'utf8'), { mode: 0o755 });
    const launched = async (): Promise<string> => (await promisify(execFile)(launcher, ['status'])).stdout.trim();
    assert.equal(await launched(), 'third beside source');
    await joinProgram(root);
    assert.equal(await launched(), 'third beside joined');
  });
});
