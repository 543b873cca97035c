import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openWorkspace } from './open-workspace.ts';
import { openBench, textOf } from './testing.ts';

const files = 1100;

// A process of its own, because it is killed: at its first word of progress beyond so many files, or right after the verb's last one.
const child = `
import { openWorkspace } from '#workspace';
const [folder, verb, at] = process.argv.slice(1);
const onProgress = ({ files }) => { if (files >= Number(at)) process.kill(process.pid, 'SIGKILL'); };
const workspace = openWorkspace(folder);
const options = { signal: new AbortController().signal, threads: 2, onProgress };
await (verb === 'add' ? workspace.add(['data'], options) : workspace[verb]([], options));
process.kill(process.pid, 'SIGKILL');
`;

async function killed(folder: string, verb: string, at: number): Promise<void> {
  const running = spawn(process.execPath, ['--input-type=module', '-e', child, folder, verb, String(at)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [, signal] = (await once(running, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL');
}

/** Every object has the bytes that it is named by, and (unless a pull is under way) every listing's files are there. */
function requireSound(root: string, listings = true): number {
  const objects = existsSync(join(root, 'files/md5'))
    ? readdirSync(join(root, 'files/md5'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('/'))
    : [];
  const names = new Set(objects.map((name) => name.replace('/', '')));
  for (const object of objects) {
    const bytes = readFileSync(join(root, 'files/md5', object));
    assert.equal(createHash('md5').update(bytes).digest('hex'), object.replace('/', '').replace('.dir', ''), object);
    if (!listings || !object.endsWith('.dir')) continue;
    for (const { md5 } of JSON.parse(bytes.toString()) as { md5: string }[])
      assert.ok(names.has(md5), `${object} names ${md5}, which is not there`);
  }
  return objects.length;
}

describe('a process killed while it works on data files', () => {
  for (const at of [1, 500, files + 1]) {
    test(`adding, pushing and pulling, after ${at} files: what is there is whole, and doing it again completes it`, async () => {
      await using bench = openBench();
      bench.files(Object.fromEntries(Array.from({ length: files }, (_, i) => [`a/data/${i % 7}/${i}`, `file ${i}`])));
      const [here, there, remote] = ['a', 'b', 'remote'].map((name) => join(bench.folder, name));
      await killed(here, 'add', at);
      requireSound(join(here, '.dvc/cache'));
      const workspace = openWorkspace(here);
      if (existsSync(join(here, 'data.dvc'))) {
        const [status] = await workspace.status([], bench.options);
        assert.deepEqual([status.state, status.missing], ['clean', []], 'a .dvc file names only what is there');
      }
      const [added] = await workspace.add(['data'], bench.options);
      assert.equal(added.files, files);
      assert.equal(requireSound(join(here, '.dvc/cache')), files + 1);

      workspace.addRemote({ name: 'store', url: remote, isDefault: true, settings: {}, force: false });
      await killed(here, 'push', at);
      requireSound(remote);
      await workspace.push([], bench.options);
      assert.equal(requireSound(remote), files + 1);

      bench.files({ 'b/.dvc/config': textOf(bench, 'a/.dvc/config'), 'b/data.dvc': textOf(bench, 'a/data.dvc') });
      await killed(there, 'pull', at);
      requireSound(join(there, '.dvc/cache'), false);
      for (const name of readdirSync(there, { recursive: true, encoding: 'utf8' }).filter(
        (each) => each.startsWith('data/') && statSync(join(there, each)).isFile(),
      )) {
        assert.equal(readFileSync(join(there, name), 'utf8'), `file ${name.split('/')[2]}`, 'no file of the workspace is cut short');
      }
      const other = openWorkspace(there);
      await other.pull([], bench.options);
      const [status] = await other.status([], bench.options);
      assert.deepEqual([status.state, status.files, status.missing], ['clean', files, []]);
      assert.deepEqual(readdirSync(join(there, '.dvc/tmp/gyre/incoming')), [], 'what killed processes left is swept away');
      rmSync(join(there, 'data'), { recursive: true });
      mkdirSync(join(there, 'data'));
      await killed(there, 'checkout', at);
      await other.checkout([], bench.options);
      assert.equal((await other.status([], bench.options))[0].state, 'clean');
    });
  }
});
