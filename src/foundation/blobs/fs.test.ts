import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasCode, isSha256 } from '#core';
import type { FaultPoint } from '#core';
import { blobStoreContract } from './contract.ts';
import type { BlobFixture } from './contract.ts';
import { openFsBlobs } from './index.ts';

async function folder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'gyre-fs-blobs-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const pathOf = (dir: string, digest: string): string => join(dir, 'sha256', digest.slice(0, 2), digest.slice(2));

async function fsFixture(): Promise<BlobFixture> {
  const { path, ...disposable } = await folder();
  return {
    open: () => openFsBlobs({ dir: path }),
    corrupt: async (digest) => {
      const file = pathOf(path, digest);
      const bytes = await readFile(file);
      bytes[0] ^= 1;
      await chmod(file, 0o644);
      await writeFile(file, bytes);
    },
    later: async () => {
      // Files are made older instead of waiting.
      const now = Date.now() / 1000;
      const blobs = await openFsBlobs({ dir: path, readOnly: true });
      for await (const { digest } of blobs.list()) await utimes(pathOf(path, digest), now - 3600, now - 3600);
      return (now - 60) * 1000;
    },
    ...disposable,
  };
}

blobStoreContract('A folder of files', fsFixture);

/** A process of its own that stores a blob of three batches; prints the error's code when it fails. */
const program = `
  import { openFsBlobs } from ${JSON.stringify(fileURLToPath(new URL('./index.ts', import.meta.url)))};
  import { faultAt, noFaults } from ${JSON.stringify(fileURLToPath(import.meta.resolve('#core')))};
  const [dir, fault] = process.argv.slice(1);
  const faults = fault ? faultAt(fault, () => process.kill(process.pid, 'SIGKILL')) : noFaults;
  const blobs = await openFsBlobs({ dir, faults });
  async function* pieces() { for (let i = 0; i < 3; i++) yield new Uint8Array(2 ** 20).fill(i); }
  try { console.log((await blobs.put(pieces())).digest); } catch (error) { console.log(error.code, error.message); }
`;

function storeInChild(dir: string, fault = '', shellPrefix = ''): { readonly signal: string | null; readonly output: string } {
  const command = `${shellPrefix} exec "$0" --input-type=module -e "$1" "$2" "$3"`;
  const { signal, stdout, stderr } = spawnSync('/bin/sh', ['-c', command, process.execPath, program, dir, fault], { encoding: 'utf8' });
  return { signal, output: stdout + stderr };
}

describe('blobs in a folder', () => {
  test('are read-only files sha256/ab/cdef…', async () => {
    await using temporary = await folder();
    const blobs = await openFsBlobs({ dir: temporary.path });
    const { digest } = await blobs.put(new Uint8Array([1, 2, 3]));
    assert.equal(await blobs.localPath(digest), pathOf(temporary.path, digest));
    assert.equal((await stat(pathOf(temporary.path, digest))).mode & 0o777, 0o444);
    assert.deepEqual(await readdir(join(temporary.path, 'incoming')), []);
  });

  test('are written, flushed, renamed, and their folder flushed, in this order', async () => {
    await using temporary = await folder();
    const passed: FaultPoint[] = [];
    const blobs = await openFsBlobs({ dir: temporary.path, faults: { at: (point) => passed.push(point) } });
    await blobs.put(new Uint8Array([1]));
    assert.deepEqual(passed, ['blob.write', 'blob.fsync', 'blob.rename', 'blob.dirsync']);
  });

  test('killed at any write, fsync or rename, a blob is there whole or not at all, and what is left is swept', async () => {
    for (const fault of ['blob.write:1', 'blob.write:3', 'blob.fsync:1', 'blob.rename:1', 'blob.dirsync:1']) {
      await using temporary = await folder();
      const { signal, output } = storeInChild(temporary.path, fault);
      assert.equal(signal, 'SIGKILL', `${fault}: ${output}`);
      const blobs = await openFsBlobs({ dir: temporary.path });
      assert.deepEqual(await readdir(join(temporary.path, 'incoming')), [], fault);
      const found = await Array.fromAsync(blobs.list());
      assert.equal(found.length, fault === 'blob.dirsync:1' ? 1 : 0, fault);
      for (const { digest } of found) await blobs.verify(digest);
      const again = storeInChild(temporary.path);
      assert.ok(isSha256(again.output.trim()), again.output);
    }
  });

  test('a file system that takes no more is RESOURCE_EXHAUSTED and leaves nothing', async () => {
    await using temporary = await folder();
    // A limit of 100 blocks of 512 bytes (or 1024, by shell) on the size of a file stands for the full disk: both fail the write.
    const { output } = storeInChild(temporary.path, '', 'ulimit -f 100;');
    assert.match(output, /^RESOURCE_EXHAUSTED/);
    assert.deepEqual(await readdir(join(temporary.path, 'incoming')), []);
    assert.deepEqual(await Array.fromAsync((await openFsBlobs({ dir: temporary.path })).list()), []);
  });

  test('opened for reading only, nothing is made, swept, put or deleted', async () => {
    await using temporary = await folder();
    const { digest } = await (await openFsBlobs({ dir: temporary.path })).put(new Uint8Array([5]));
    await writeFile(join(temporary.path, 'incoming', '999999999-1'), 'in flight');
    const reading = await openFsBlobs({ dir: temporary.path, readOnly: true });
    assert.deepEqual(await reading.read(digest), new Uint8Array([5]));
    await assert.rejects(reading.put(new Uint8Array([6])), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    await assert.rejects(reading.renew(digest), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    await assert.rejects(reading.delete(digest), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    assert.deepEqual(await readdir(join(temporary.path, 'incoming')), ['999999999-1']);
  });

  test('a folder that cannot be made is refused with its name', async () => {
    await using temporary = await folder();
    await writeFile(join(temporary.path, 'file'), '');
    const opening = openFsBlobs({ dir: join(temporary.path, 'file', 'blobs') });
    await assert.rejects(opening, (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.includes(temporary.path));
  });
});
