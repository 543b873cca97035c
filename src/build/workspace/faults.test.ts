import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectPath } from './layout.ts';
import { openWorkspace } from './open-workspace.ts';
import { isA, openBench } from './testing.ts';
import type { Bench } from './testing.ts';

const files = 20;

// One verb in a process of its own. Before the nth file gets its name from its main thread (a listing, a .gitignore, a .dvc file, a stat
// cache: threads name the objects) it is killed.
const child = `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const [folder, verb, nth] = process.argv.slice(1);
let left = Number(nth);
const rename = fs.renameSync;
fs.renameSync = (...names) => {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL');
  rename(...names);
};
syncBuiltinESMExports();
const { openWorkspace } = await import('#workspace');
const workspace = openWorkspace(folder);
const options = { signal: new AbortController().signal, threads: 2 };
await (verb === 'add' ? workspace.add(['data'], options) : workspace[verb]([], options));
`;

/** @param nth -1 for a process that lives @returns whether it was killed */
async function run(folder: string, verb: string, nth = -1): Promise<boolean> {
  const running = spawn(process.execPath, ['--input-type=module', '-e', child, folder, verb, String(nth)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code, signal] = (await once(running, 'exit')) as [number | null, string | null];
  assert.ok(code === 0 || signal === 'SIGKILL', `${verb} ended with ${code ?? signal}`);
  return signal === 'SIGKILL';
}

/** Every object has the bytes that it is named by, and every listing's files are there. */
function requireSound(root: string): void {
  const folder = join(root, 'files/md5');
  if (!existsSync(folder)) return;
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\/[0-9a-f]{30}(\.dir)?$/.test(name));
  const objects = new Set(names.map((name) => name.replace('/', '')));
  for (const name of names) {
    const bytes = readFileSync(join(folder, name));
    assert.equal(createHash('md5').update(bytes).digest('hex'), name.replace('/', '').replace('.dir', ''), name);
    if (name.endsWith('.dir')) for (const { md5 } of JSON.parse(bytes.toString()) as { md5: string }[]) assert.ok(objects.has(md5), md5);
  }
}

async function requireClean(bench: Bench, name: string): Promise<void> {
  const [status] = await openWorkspace(join(bench.folder, name)).status([], bench.options);
  assert.deepEqual([status.state, status.files, status.missing], ['clean', files, []]);
}

describe('faults in the midst of work on data files', () => {
  test('killed before each file that a verb names: nothing is named that is not there, and doing it again completes it', async () => {
    await using bench = openBench();
    const remote = join(bench.folder, 'remote');
    const here = join(bench.folder, 'here');
    const fill = (folder: string, version: number): void =>
      bench.files(Object.fromEntries(Array.from({ length: files }, (_, i) => [`${folder}/data/${i % 3}/${i}`, `file ${i} of ${version}`])));
    const kills = { add: 0, push: 0, pull: 0, checkout: 0 };
    for (let nth = 0; ; nth++) {
      fill('here', nth);
      const wasKilled = await run(here, 'add', nth);
      requireSound(join(here, '.dvc/cache'));
      if (existsSync(join(here, 'data.dvc'))) {
        const [{ missing }] = await openWorkspace(here).status([], bench.options);
        assert.deepEqual(missing, [], 'a .dvc file names only what is there');
      }
      if (!wasKilled) break;
      kills.add += 1;
      await run(here, 'add');
      await requireClean(bench, 'here');
    }
    openWorkspace(here).addRemote({ name: 'store', url: remote, isDefault: true, settings: {}, force: false });
    for (let nth = 0; await run(here, 'push', nth); nth++) {
      kills.push += 1;
      requireSound(remote);
      rmSync(remote, { recursive: true, force: true });
    }
    requireSound(remote);
    for (const verb of ['pull', 'checkout'] as const) {
      for (let nth = 0; ; nth++) {
        const there = join(bench.folder, `${verb}-${nth}`);
        for (const name of ['.dvc/config', 'data.dvc']) {
          mkdirSync(dirname(join(there, name)), { recursive: true });
          writeFileSync(join(there, name), readFileSync(join(here, name)));
        }
        const wasKilled = await run(there, verb, nth);
        if (wasKilled) kills[verb] += 1;
        await run(there, verb);
        requireSound(join(there, '.dvc/cache'));
        await requireClean(bench, `${verb}-${nth}`);
        if (!wasKilled) break;
      }
    }
    // An add names three files at the least: listing, .dvc file, stat cache.
    assert.ok(kills.add >= 3 && kills.push >= 1 && kills.pull >= 2 && kills.checkout >= 1, JSON.stringify(kills));
  });

  test('two processes that add the same folder at once both end well', async () => {
    await using bench = openBench();
    bench.files(Object.fromEntries(Array.from({ length: files }, (_, i) => [`data/${i}`, `file ${i}`])));
    await Promise.all([run(bench.folder, 'add'), run(bench.folder, 'add'), run(bench.folder, 'add')]);
    requireSound(join(bench.folder, '.dvc/cache'));
    await requireClean(bench, '.');
    const left = readdirSync(join(bench.folder, '.dvc'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tmp'));
    assert.deepEqual(left, []);
  });

  test('a remote whose listing leads out of its folder is refused, and nothing of it is written', async () => {
    await using bench = openBench();
    const remote = join(bench.folder, 'remote');
    const put = (name: string, bytes: string): void => {
      mkdirSync(dirname(objectPath(remote, name)), { recursive: true });
      writeFileSync(objectPath(remote, name), bytes);
    };
    const md5 = (bytes: string): string => createHash('md5').update(bytes).digest('hex');
    const evil = 'not from here';
    put(md5(evil), evil);
    for (const relpath of ['../evil', '/tmp/evil', 'a/../../evil', '.git/hooks/post-checkout', 'a/.dvc/config', '']) {
      const listing = JSON.stringify([
        { md5: md5(evil), relpath: 'good' },
        { md5: md5(evil), relpath },
      ]);
      put(`${md5(listing)}.dir`, listing);
      bench.files({
        'work/.dvc/config': `[core]\n    no_scm = True\n    remote = store\n['remote "store"']\n    url = ${remote}\n`,
        'work/data.dvc': `outs:\n- md5: ${md5(listing)}.dir\n  hash: md5\n  path: data\n`,
      });
      const workspace = openWorkspace(join(bench.folder, 'work'));
      await assert.rejects(workspace.pull([], bench.options), isA('PERMISSION_DENIED', /no path inside of its folder/), relpath);
      assert.deepEqual([existsSync(join(bench.folder, 'work/data')), existsSync(join(bench.folder, 'evil'))], [false, false]);
    }
  });

  test('an object that goes missing is noticed although everything was whole at the last look', async () => {
    await using bench = openBench();
    bench.files({ 'data/x': 'one', 'data/y': 'two' });
    await bench.workspace.add(['data'], bench.options);
    // Longer than a clock of file systems stands still: only then is a look kept.
    await sleep(120);
    const missing = async (): Promise<readonly string[]> => (await bench.workspace.status([], bench.options))[0].missing;
    assert.deepEqual([await missing(), await missing()], [[], []]);
    assert.ok(existsSync(join(bench.folder, '.dvc/tmp/gyre/whole')));
    const one = createHash('md5').update('one').digest('hex');
    rmSync(objectPath(join(bench.folder, '.dvc/cache'), one));
    assert.deepEqual(await missing(), [one]);
    const [added] = await bench.workspace.add(['data'], bench.options);
    assert.deepEqual([added.stored, await missing()], [1, []]);
  });
});
