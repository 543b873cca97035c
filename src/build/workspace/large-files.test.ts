import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { objectPath } from './layout.ts';
import { openMd5Lane } from './md5-lane.ts';
import { openWorkspace } from './open-workspace.ts';
import { isA, openBench, textOf } from './testing.ts';
import type { Bench } from './testing.ts';

const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

describe('the thread that hashes beside its owner', () => {
  /** Reads a buffer piece by piece. */
  function reader(bytes: Buffer): (into: Buffer) => number {
    let at = 0;
    return (into) => {
      const length = bytes.copy(into, 0, at);
      at += length;
      return length;
    };
  }

  test('gives the MD5 of all pieces, of one file after another, and hands out each piece as it was read', () => {
    const lane = openMd5Lane();
    for (const size of [0, 1, 2 * 1024 * 1024, 21_000_001, 5]) {
      const bytes = randomBytes(size);
      const parts: Buffer[] = [];
      assert.equal(
        lane.hash(reader(bytes), (part) => parts.push(Buffer.from(part))),
        md5Of(bytes),
      );
      assert.ok(Buffer.concat(parts).equals(bytes));
    }
  });

  test('forgets a file that was given up', () => {
    const lane = openMd5Lane();
    const bytes = randomBytes(9_000_000);
    const full = new Error('the disk is full');
    assert.throws(
      () =>
        lane.hash(reader(bytes), () => {
          throw full;
        }),
      full,
    );
    assert.equal(
      lane.hash(reader(bytes), () => undefined),
      md5Of(bytes),
    );
  });

  test('ends with the thread that owns it', async () => {
    const code = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(new URL('md5-lane.ts', import.meta.url).href)}).then(({ openMd5Lane }) => {
        openMd5Lane().hash((into) => 0, () => undefined);
        parentPort.postMessage('ready');
        parentPort.on('message', () => undefined);
      });`;
    const owner = new Worker(code, { eval: true });
    await new Promise((done) => owner.once('message', done));
    assert.equal(await owner.terminate(), 1);
  });
});

describe('a file of many pieces', () => {
  const megabytes = 40;
  async function withLarge(bench: Bench): Promise<{ md5: string; sha256: string }> {
    mkdirSync(join(bench.folder, 'a/data'), { recursive: true });
    const bytes = randomBytes(megabytes * 1024 * 1024 + 17);
    writeFileSync(join(bench.folder, 'a/data/large'), bytes);
    bench.files({
      'a/data/small': 'small',
      'b/.dvc/config': `[core]\n    no_scm = True\n    remote = store\n['remote "store"']\n    url = ../../remote\n`,
    });
    bench.files({ 'a/.dvc/config': textOf(bench, 'b/.dvc/config') });
    await openWorkspace(join(bench.folder, 'a')).add(['data'], bench.options);
    bench.files({ 'b/data.dvc': textOf(bench, 'a/data.dvc') });
    return { md5: md5Of(bytes), sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  function damage(path: string): void {
    chmodSync(path, 0o644);
    const file = openSync(path, 'r+');
    writeSync(file, 'damaged', 30 * 1024 * 1024);
    closeSync(file);
  }

  test('is added, pushed, pulled and checked out, and both of its digests are right', async () => {
    await using bench = openBench();
    const { md5, sha256 } = await withLarge(bench);
    const [here, there] = ['a', 'b'].map((name) => openWorkspace(join(bench.folder, name)));
    assert.equal(md5Of(readFileSync(objectPath(join(bench.folder, 'a/.dvc/cache'), md5))), md5);
    const index = readFileSync(join(bench.folder, 'a/.dvc/cache/gyre/sha256.index')).toString('hex');
    assert.ok(index.includes(md5 + sha256));
    assert.equal((await here.push([], bench.options)).pushed, 3);
    await there.pull([], bench.options);
    for (const path of [
      objectPath(join(bench.folder, 'remote'), md5),
      objectPath(join(bench.folder, 'b/.dvc/cache'), md5),
      join(bench.folder, 'b/data/large'),
    ])
      assert.equal(md5Of(readFileSync(path)), md5, path);
    rmSync(join(bench.folder, 'b/data'), { recursive: true });
    await there.checkout([], bench.options);
    assert.equal(md5Of(readFileSync(join(bench.folder, 'b/data/large'))), md5);
    assert.deepEqual(
      (await there.status([], bench.options)).map(({ state, missing }) => [state, missing]),
      [['clean', []]],
    );
  });

  test('is refused when its object is damaged, with nothing half-written, and comes from the remote', async () => {
    await using bench = openBench();
    const { md5 } = await withLarge(bench);
    const [here, there] = ['a', 'b'].map((name) => openWorkspace(join(bench.folder, name)));
    await here.push([], bench.options);
    damage(objectPath(join(bench.folder, 'a/.dvc/cache'), md5));
    rmSync(join(bench.folder, 'a/data'), { recursive: true });
    const [done] = await here.checkout([], bench.options);
    assert.deepEqual([done.placed, done.fetched], [2, 1]);
    assert.equal(md5Of(readFileSync(join(bench.folder, 'a/data/large'))), md5);

    damage(objectPath(join(bench.folder, 'remote'), md5));
    await assert.rejects(there.pull([], bench.options), isA('DATA_LOSS', /data\/large .*missing in the cache, damaged in the remote/));
    assert.deepEqual(readdirSync(join(bench.folder, 'b/data')), ['small']);
    assert.equal(existsSync(objectPath(join(bench.folder, 'b/.dvc/cache'), md5)), false);
    assert.deepEqual(readdirSync(join(bench.folder, 'b/.dvc/tmp/gyre/incoming')), []);

    damage(objectPath(join(bench.folder, 'a/.dvc/cache'), md5));
    rmSync(join(bench.folder, 'remote'), { recursive: true });
    await assert.rejects(here.push([], bench.options), isA('DATA_LOSS', new RegExp(`1 object could not be pushed.*${md5} is damaged`)));
    assert.equal(existsSync(objectPath(join(bench.folder, 'remote'), md5)), false);
  });
});
