import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { hasCode, manualClock, sha256, systemClock } from '#core';
import { blobStoreContract } from './contract.ts';
import { openObjectBlobs } from './object-blobs.ts';
import { openObjectStore } from './objects/open.ts';
import type { ObjectStore } from './objects/port.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

blobStoreContract('Blobs in a folder of objects', async () => {
  const root = await mkdtemp(join(tmpdir(), 'gyre-object-blobs-'));
  const objects = openObjectStore(join(root, 'objects'));
  let caches = 0;
  return {
    open: () => openObjectBlobs({ objects, cache: { dir: join(root, `cache-${++caches}`), maxBytes: 1e9, clock: systemClock } }),
    corrupt: async (digest) => {
      const file = join(root, 'objects', 'sha256', digest.slice(0, 2), digest.slice(2));
      const bytes = await readFile(file);
      bytes[0] ^= 1;
      await chmod(file, 0o644);
      await writeFile(file, bytes);
    },
    later: async () => {
      // Beyond the second that a blob counts as stored in.
      await setTimeout(1000);
      const instant = Date.now();
      await setTimeout(5);
      return instant;
    },
    [Symbol.asyncDispose]: async () => {
      await objects[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    },
  };
});

describe('the local copies of blobs that are elsewhere', () => {
  const clock = manualClock(Date.UTC(2026, 10, 28));
  let root: string;
  let objects: ObjectStore;
  const cache = (): string => join(root, 'cache');
  const open = (maxBytes = 1e9, readOnly = false) => openObjectBlobs({ objects, cache: { dir: cache(), maxBytes, clock }, readOnly });
  const copies = async (): Promise<readonly string[]> => {
    const entries = await readdir(join(cache(), 'sha256'), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => parentPath.slice(-2) + name);
  };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-copies-'));
    objects = openObjectStore(join(root, 'objects'));
  });
  afterEach(async () => {
    await objects[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });

  test('a copy serves on while the objects are away', async () => {
    const blobs = await open();
    const { digest } = await blobs.put(text('a model'));
    await blobs.read(digest);
    await rm(join(root, 'objects'), { recursive: true });
    const reading = await open(1e9, true);
    assert.deepEqual(Buffer.from(await reading.read(digest)).toString(), 'a model');
    await assert.rejects(reading.put(text('x')), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    await assert.rejects(reading.delete(digest), (error) => hasCode(error, 'FAILED_PRECONDITION'));
  });

  test('a copy that went bad is fetched again', async () => {
    const blobs = await open();
    const { digest } = await blobs.put(text('precious'));
    for (const ask of [() => blobs.read(digest), () => blobs.localPath(digest, { verify: true })]) {
      const path = await blobs.localPath(digest);
      await chmod(path, 0o644);
      await writeFile(path, 'spoiled!');
      await ask();
      assert.equal(await readFile(path, 'utf8'), 'precious');
    }
  });

  test('many that want one blob fetch it once', async (context) => {
    const { digest } = await (await open()).put(text('wanted'));
    const fetching = context.mock.method(objects, 'getFile');
    const blobs = await open();
    await Promise.all(Array.from({ length: 10 }, () => blobs.localPath(digest)));
    assert.equal(fetching.mock.callCount(), 1);
  });

  test('beyond the bound what was not used for longest goes, but nothing of the last hour', async () => {
    const blobs = await open(25);
    const refs = await Promise.all(['first blob', 'second one', 'third blob', 'the fourth'].map((words) => blobs.put(text(words))));
    const [first, second, third, fourth] = refs.map(({ digest }) => digest);
    for (const digest of [first, second, third]) {
      await blobs.localPath(digest);
      clock.advance(10 * 60_000);
    }
    assert.equal((await copies()).length, 3);
    clock.advance(2 * 3_600_000);
    await blobs.localPath(first);
    await blobs.localPath(fourth);
    assert.deepEqual((await copies()).toSorted(), [first, fourth].toSorted());
    assert.equal((await stat(await blobs.localPath(second))).size, 10);
  });

  test('what a killed process was gathering is swept', async () => {
    await mkdir(join(cache(), 'incoming'), { recursive: true });
    await writeFile(join(cache(), 'incoming', '999999999-1'), 'half');
    const blobs = await open();
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield text('in ');
      yield text('pieces');
    }
    assert.equal((await blobs.put(pieces())).digest, sha256('in pieces'));
    assert.deepEqual(await readdir(join(cache(), 'incoming')), []);
    assert.deepEqual(await copies(), [sha256('in pieces')]);
  });
});
