import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { ClearCopies, openFsBlobs, openObjectStore, openSealedBlobs, sealingKeysFrom } from '#blobs';
import { seeded, sha256, systemClock } from '#core';
import { temporaryFolder } from '../harness/gyre-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

interface Peer {
  readonly opened: readonly string[];
  readonly sealed: readonly string[];
}

const markBytes = 16;
/** Also where a segment ends with the blob, the first one being shorter by its header. */
const sizes = [0, 1, 5000, 1024 * 1024 - 56, 1024 * 1024 - 55, 2 * 1024 * 1024 - 72, 3_000_000];

describe('sealed blobs, compared with Tink', { skip: pythonMissing }, () => {
  test('Tink opens what we seal, and we open what Tink seals', async () => {
    await using folder = await temporaryFolder();
    const dir = join(folder.path, 'blobs');
    const key = Buffer.alloc(32, 'a key of the tests, of 32 bytes.').toString('hex');
    const keys = sealingKeysFrom(key);
    assert.ok(keys !== undefined);
    await using objects = openObjectStore(dir);
    await using copies = await ClearCopies.open({ dir: join(folder.path, 'clear'), maxBytes: 1e9, clock: systemClock });
    const randomBytes = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));
    const clear = await openFsBlobs({ dir });
    const blobs = await openSealedBlobs({ keys, randomBytes, objects, clear, copies, incoming: join(dir, 'incoming') });
    const fileOf = (digest: string): string => join(dir, 'sealed', digest.slice(0, 2), digest.slice(2));
    const random = seeded(9);
    const bytesOf = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, () => random.int(256)));

    const ours = sizes.map(bytesOf);
    const stored = await Promise.all(ours.map(async (bytes) => readFile(fileOf((await blobs.put(bytes)).digest))));
    const mark = stored[0].subarray(0, markBytes);
    const theirs = sizes.map(bytesOf);
    const peer = await runPython<Peer>('sealed_peer.py', {
      key,
      opens: stored.map((file) => ({ sealed: file.subarray(markBytes).toString('base64'), mark: mark.toString('hex') })),
      seals: theirs.map((bytes) => ({ clear: bytes.toString('base64'), mark: mark.toString('hex') })),
    });

    assert.deepEqual(peer.opened, ours.map(sha256));
    for (const [index, bytes] of theirs.entries()) {
      const digest = sha256(bytes);
      await mkdir(dirname(fileOf(digest)), { recursive: true });
      // Over the file of the empty blob, which both of us had.
      await blobs.delete(digest);
      await writeFile(fileOf(digest), Buffer.concat([mark, Buffer.from(peer.sealed[index], 'base64')]));
      assert.equal((await blobs.stat(digest))?.size, sizes[index]);
      assert.ok(bytes.equals(await blobs.read(digest)), `${sizes[index]} bytes`);
    }
  });
});
