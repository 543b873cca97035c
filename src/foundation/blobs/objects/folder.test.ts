import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { hasCode } from '#core';
import { objectStoreContract } from './contract.ts';
import { openObjectStore } from './open.ts';

async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'gyre-folder-objects-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

for (const durable of [true, false]) {
  objectStoreContract(`A folder of objects (${durable ? 'durable' : 'flushed by the file system'})`, async () => {
    const { path, ...disposable } = await temporaryFolder();
    const dir = join(path, 'remote');
    return {
      open: async () => openObjectStore(dir, { durable }),
      corrupt: async (key) => {
        const file = join(dir, key);
        const bytes = await readFile(file);
        bytes[0] ^= 1;
        await chmod(file, 0o644);
        await writeFile(file, bytes);
      },
      largeBytes: 3_000_000,
      ...disposable,
    };
  });
}

describe('a folder of objects', () => {
  test('is made by the first object, which is a read-only file by its key', async () => {
    await using temporary = await temporaryFolder();
    const dir = join(temporary.path, 'not', 'yet there');
    await using objects = openObjectStore(pathToFileURL(dir).href);
    assert.equal(objects.address, dir);
    assert.equal(await objects.stat('a/b'), undefined);
    assert.deepEqual(await readdir(temporary.path), []);
    await objects.put('a/b', new Uint8Array([1]));
    assert.equal((await stat(join(dir, 'a', 'b'))).mode & 0o222, 0);
  });

  test('what killed processes left on its way is swept, what others send now is not', async () => {
    await using temporary = await temporaryFolder();
    const ended = spawnSync(process.execPath, ['--version']).pid;
    const [left, living, elsewhere] = [
      `.incoming-${hostname()}-${ended}-abc`,
      `.incoming-${hostname()}-${process.ppid}-abc`,
      `.incoming-another.machine-1-abc`,
    ];
    for (const name of [left, living, elsewhere]) {
      await mkdir(join(temporary.path, name));
      await writeFile(join(temporary.path, name, '1'), 'half');
    }
    {
      await using objects = openObjectStore(temporary.path);
      await objects.put('key', new Uint8Array([1]));
      assert.deepEqual(
        (await Array.fromAsync(objects.list())).map(({ key }) => key),
        ['key'],
      );
      await assert.rejects(objects.put(`${living}/1`, new Uint8Array()), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    }
    assert.deepEqual((await readdir(temporary.path)).toSorted(), [living, elsewhere, 'key'].toSorted());
  });

  test('a folder that cannot be made or written is refused with its path', async () => {
    await using temporary = await temporaryFolder();
    await writeFile(join(temporary.path, 'file'), '');
    await using objects = openObjectStore(join(temporary.path, 'file', 'remote'));
    await assert.rejects(
      objects.put('key', new Uint8Array()),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.includes('remote'),
    );
  });

  test('an address of another kind is refused', () => {
    for (const address of ['', 'relative/path', 'ftp://host/x', 'file://host/share']) {
      assert.throws(
        () => openObjectStore(address),
        (error) => hasCode(error, 'INVALID_ARGUMENT'),
        address,
      );
    }
  });
});
