import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { hasCode, seeded, systemClock } from '#core';
import { blobStoreContract } from '../contract.ts';
import { openFsBlobs } from '../fs.ts';
import { openObjectStore } from '../objects/open.ts';
import type { BlobStore } from '../port.ts';
import { ClearCopies } from './clear-copies.ts';
import type { SealingKeys } from './keys.ts';
import { sealingKey, sealingKeysFrom } from './keys.ts';
import { openSealedBlobs, requireNothingSealed } from './open-sealed.ts';
import type { SealedBlobs } from './sealed-blobs.ts';
import { clearSize, opened, prefaceBytes, sealed, sealedPartOf, sealedSize } from './stream.ts';

const randomBytes = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));
const keysOf = (...seeds: number[]): SealingKeys => {
  const all = seeds.map((seed) => sealingKey(new Uint8Array(32).fill(seed)));
  return { current: all[0], all };
};
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A folder with blobs of both kinds. */
async function place() {
  const root = await mkdtemp(join(tmpdir(), 'gyre-sealed-'));
  const dir = join(root, 'blobs');
  const objects = openObjectStore(dir);
  const held: ClearCopies[] = [];
  return {
    root,
    objects,
    fileOf: (digest: string) => join(dir, 'sealed', digest.slice(0, 2), digest.slice(2)),
    clear: (): Promise<BlobStore> => openFsBlobs({ dir }),
    copies: join(root, 'copies'),
    open: async (keys = keysOf(1), readOnly = false): Promise<SealedBlobs> => {
      const copies = await ClearCopies.open({ dir: join(root, 'copies'), maxBytes: 1e9, clock: systemClock });
      held.push(copies);
      const clear = await openFsBlobs({ dir, readOnly });
      return openSealedBlobs({ keys, randomBytes, objects, clear, copies, incoming: join(dir, 'incoming'), readOnly });
    },
    close: async () => {
      for (const copies of held) await copies[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: async () => {
      for (const copies of held) await copies[Symbol.asyncDispose]();
      await objects[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    },
  };
}

async function changeByte(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  await chmod(file, 0o644);
  await writeFile(file, bytes);
}

blobStoreContract('Sealed blobs in a folder', async () => {
  const { open, fileOf, ...rest } = await place();
  return {
    open,
    corrupt: (digest) => changeByte(fileOf(digest), -20),
    later: async () => {
      await setTimeout(1000);
      const instant = Date.now();
      await setTimeout(5);
      return instant;
    },
    ...rest,
  };
});

describe('keys that blobs are sealed with', () => {
  test('are 32 bytes in Base64 or hexadecimal, the first one seals', () => {
    const bytes = Buffer.alloc(32, 7);
    const keys = sealingKeysFrom(`${bytes.toString('base64')}, ${'ab'.repeat(32)}`);
    assert.equal(keys?.all.length, 2);
    assert.deepEqual(Buffer.from(keys?.current.secret ?? []), bytes);
    assert.match(keys?.current.id ?? '', /^[0-9a-f]{16}$/);
    assert.equal(sealingKeysFrom(undefined), undefined);
    assert.equal(sealingKeysFrom(' '), undefined);
  });

  test('that are none are refused without being shown', () => {
    for (const [given, said] of [
      ['c2VjcmV0', /the key has 6 bytes; 32 random bytes are needed/],
      [`${'ab'.repeat(32)},geheim!`, /key 2 of 2 has characters that are neither/],
      [`${'ab'.repeat(32)},`, /key 2 of 2/],
    ] as const) {
      assert.throws(
        () => sealingKeysFrom(given),
        (error) => hasCode(error, 'INVALID_ARGUMENT') && said.test(error.message) && !error.message.includes(given.slice(-7, -1)),
      );
    }
  });
});

describe('the sealed stream', () => {
  const key = keysOf(1);
  const seal = async (bytes: Uint8Array, step = 300_001): Promise<Buffer> => {
    const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step));
    return Buffer.concat(await Array.fromAsync(sealed(pieces, key.current, randomBytes)));
  };
  const open = async (whole: Buffer, size: number, start: number, end: number, keys = key): Promise<Buffer> => {
    const part = sealedPartOf(size, { start, end });
    async function* sealedBytes(): AsyncGenerator<Uint8Array> {
      const bytes = whole.subarray(part.range.start, part.range.end);
      for (let at = 0; at < bytes.length; at += 77_777) yield bytes.subarray(at, at + 77_777);
    }
    return Buffer.concat(await Array.fromAsync(opened(whole.subarray(0, prefaceBytes), sealedBytes(), part, keys)));
  };
  const segment = 1024 * 1024 - 16;
  /** Around the ends of segments, where the header makes the first one shorter. */
  const sizes = [0, 1, 1000, segment - 41, segment - 40, segment - 39, segment, 2 * segment - 40, 2 * segment - 39, 3 * segment + 5];

  test('has the length that was foretold, and any part of it opens', async () => {
    const random = seeded(3);
    for (const size of sizes) {
      const bytes = randomBytes(size);
      const whole = await seal(bytes);
      assert.equal(whole.length, sealedSize(size), `size ${size}`);
      assert.equal(clearSize(whole.length), size);
      assert.ok((await open(whole, size, 0, size)).equals(bytes), `size ${size}`);
      for (let i = 0; i < 12 && size > 0; i++) {
        const start = random.int(size);
        const end = start + 1 + random.int(size - start);
        assert.ok((await open(whole, size, start, end)).equals(bytes.subarray(start, end)), `${start} to ${end} of ${size}`);
      }
    }
  });

  test('never opens what is not, bit for bit, what was sealed', async () => {
    const size = segment + 1000;
    const bytes = randomBytes(size);
    const whole = await seal(bytes);
    const broken = (error: unknown): boolean => hasCode(error, 'DATA_LOSS');
    for (const at of [0, 16, 17, 50, prefaceBytes, 70_000, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[at] ^= 0x10;
      await assert.rejects(open(changed, size, 0, size), broken, `byte ${at}`);
    }
    await assert.rejects(open(whole.subarray(0, -1), clearSize(whole.length - 1), 0, size - 1), broken);
    // The whole first segment alone does not pass for a blob.
    const first = whole.subarray(0, 16 + 1024 * 1024);
    await assert.rejects(open(first, clearSize(first.length), 0, clearSize(first.length)), broken);
    await assert.rejects(open(whole, size, 0, size, keysOf(2)), (error) => hasCode(error, 'FAILED_PRECONDITION'));
  });

  test('is different each time, and shows nothing of the bytes', async () => {
    const bytes = Buffer.alloc(5000, 'the same words ');
    const [first, second] = [await seal(bytes), await seal(bytes)];
    assert.ok(!first.equals(second));
    assert.ok(!first.includes('the same'));
  });
});

describe('blobs that are encrypted where they are stored', () => {
  let at: Awaited<ReturnType<typeof place>>;
  beforeEach(async () => void (at = await place()));
  afterEach(() => at[Symbol.asyncDispose]());
  const filesBelow = async (folder: string): Promise<readonly string[]> =>
    (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));

  test('leave no clear bytes behind, not even while a reader has them as a file', async () => {
    const blobs = await at.open();
    const words = 'a secret '.repeat(300_000);
    const { digest } = await blobs.put(text(words));
    assert.equal(await readFile(await blobs.localPath(digest), 'utf8'), words);
    for (const file of await filesBelow(join(at.root, 'blobs'))) assert.ok(!(await readFile(file)).includes('a secret'), file);
    assert.equal((await filesBelow(at.copies)).length, 1);
    await at.close();
    assert.deepEqual(await readdir(at.copies), []);
  });

  test('what was there before the key is read on, and sealed when that is asked for; killed in the middle it goes on', async () => {
    const before = await at.clear();
    const refs = await Promise.all(['one', 'two', 'three', 'four'].map((words) => before.put(text(words))));
    const blobs = await at.open();
    await blobs.put(text('five'));
    assert.equal((await Array.fromAsync(blobs.list())).length, 5);
    const readAll = async (store: BlobStore) =>
      Promise.all(refs.map(async ({ digest }) => Buffer.from(await store.read(digest)).toString()));
    assert.deepEqual(await readAll(blobs), ['one', 'two', 'three', 'four']);
    for await (const found of blobs.sealAll()) {
      assert.ok(refs.some(({ digest }) => digest === found.digest));
      break;
    }
    assert.equal((await blobs.census()).clear.count, 3);
    const again = await at.open();
    assert.equal((await Array.fromAsync(again.sealAll())).length, 3);
    assert.deepEqual(await again.census(), {
      sealed: { count: 5, bytes: 19 },
      clear: { count: 0, bytes: 0 },
    });
    assert.deepEqual(await readAll(again), ['one', 'two', 'three', 'four']);
    assert.deepEqual(await Array.fromAsync((await at.clear()).list()), []);
  });

  test('another key: the old one is needed until everything is sealed anew', async () => {
    const { digest } = await (await at.open(keysOf(1))).put(text('kept'));
    const other = keysOf(2);
    await assert.rejects(at.open(other), (error) => hasCode(error, 'FAILED_PRECONDITION') && error.message.includes(keysOf(1).current.id));
    const both = await at.open(keysOf(2, 1));
    assert.equal(Buffer.from(await both.read(digest)).toString(), 'kept');
    assert.equal((await Array.fromAsync(both.sealAll())).length, 1);
    assert.equal(Buffer.from(await (await at.open(other)).read(digest)).toString(), 'kept');
    assert.equal((await Array.fromAsync(both.sealAll())).length, 0);
  });

  test('a blob under another’s name is found out', async () => {
    const blobs = await at.open();
    const [one, two] = [await blobs.put(text('first')), await blobs.put(text('other'))];
    await chmod(at.fileOf(two.digest), 0o644);
    await writeFile(at.fileOf(two.digest), await readFile(at.fileOf(one.digest)));
    await assert.rejects(blobs.read(two.digest), (error) => hasCode(error, 'DATA_LOSS') && error.message.includes(two.digest));
  });

  test('a part that is read while the blob is stored anew is right', async () => {
    const blobs = await at.open();
    const bytes = randomBytes(2_500_000);
    const { digest } = await blobs.put(bytes);
    await Promise.all([
      ...Array.from({ length: 8 }, () => blobs.put(bytes)),
      ...Array.from({ length: 40 }, async (_, i) => {
        const start = i * 60_000;
        const part = Buffer.concat(await Array.fromAsync(await blobs.open(digest, { start, end: start + 1000 })));
        assert.ok(part.equals(bytes.subarray(start, start + 1000)));
      }),
    ]);
  });

  test('without the key nobody opens them', async () => {
    await (await at.open()).put(text('x'));
    await assert.rejects(
      requireNothingSealed(at.objects),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /GYRE_BLOBS_KEY/.test(error.message),
    );
  });

  test('for reading only, nothing is put or deleted', async () => {
    const { digest } = await (await at.open()).put(text('served'));
    const reading = await at.open(keysOf(1), true);
    assert.equal(Buffer.from(await reading.read(digest)).toString(), 'served');
    for (const ask of [() => reading.put(text('y')), () => reading.delete(digest), () => reading.renew(digest)]) {
      await assert.rejects(ask, (error) => hasCode(error, 'FAILED_PRECONDITION'));
    }
  });

  test('a copy for which there is no room is refused with the way out', async (context) => {
    const { digest } = await (await at.open()).put(text('wide'));
    const copies = await ClearCopies.open({ dir: at.copies, maxBytes: 1e9, clock: systemClock });
    context.after(() => copies[Symbol.asyncDispose]());
    const asked = copies.path(digest, 2 ** 60, () => assert.fail('nothing is written'));
    await assert.rejects(
      asked,
      (error) => hasCode(error, 'RESOURCE_EXHAUSTED') && error.message.includes('GYRE_BLOB_CLEAR names another folder'),
    );
  });

  test('what a killed process had opened is swept', async () => {
    const left = join(at.copies, 'gyre-clear-999999999-abc');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'clear'), 'secret');
    await at.open();
    assert.deepEqual(await readdir(at.copies), []);
  });
});
