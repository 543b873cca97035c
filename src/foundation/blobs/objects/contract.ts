import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import type { ErrorCode } from '#core';
import type { ObjectStore } from './port.ts';

/** A place for objects that several stores can open, and that goes away. */
export interface ObjectsFixture extends AsyncDisposable {
  open(): Promise<ObjectStore>;
  /** Puts other bytes of the same length in an object's place, behind the store's back. */
  corrupt(key: string): Promise<void>;
  /** A large object here, in bytes: one that is sent in parts where the store knows parts. */
  readonly largeBytes: number;
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const failsWith = (code: ErrorCode) => (error: unknown) => hasCode(error, code);
const digest = (name: 'md5' | 'sha256', bytes: Uint8Array): string => createHash(name).update(bytes).digest('hex');

async function gather(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(bytes));
}

/** What every object store promises. @param skip the reason why this one cannot be tried here */
export function objectStoreContract(name: string, prepare: () => Promise<ObjectsFixture>, skip?: string): void {
  describe(`${name} keeps the object store's contract`, { skip: skip ?? false }, () => {
    let fixture: ObjectsFixture;
    let objects: ObjectStore;
    let scratch: string;
    beforeEach(async () => {
      fixture = await prepare();
      objects = await fixture.open();
      scratch = await mkdtemp(join(tmpdir(), 'gyre-objects-'));
    });
    afterEach(async () => {
      await objects[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
      await rm(scratch, { recursive: true });
    });

    test('keeps bytes by key, and puts new ones in their place', async () => {
      await objects.put('files/md5/ab/cdef', text('first'));
      await objects.put('files/md5/ab/cdef', text('the second'));
      const found = await objects.stat('files/md5/ab/cdef');
      assert.equal(found?.key, 'files/md5/ab/cdef');
      assert.equal(found.size, 10);
      assert.ok(found.modifiedAt > 1_700_000_000_000);
      assert.equal((await gather(await objects.open('files/md5/ab/cdef'))).toString(), 'the second');
      assert.equal(await objects.stat('files/md5/ab'), undefined);
      assert.equal(await objects.stat('files/md5/ab/cdef/more'), undefined);
    });

    test('takes and gives files: empty, small and large', async () => {
      const large = Buffer.alloc(fixture.largeBytes);
      for (let i = 0; i < large.length; i += 4096) large.writeUInt32LE(i, i);
      for (const bytes of [Buffer.alloc(0), Buffer.from('small'), large]) {
        const digests = { md5: digest('md5', bytes), sha256: digest('sha256', bytes) };
        await writeFile(join(scratch, 'in'), bytes);
        for (const [key, options] of [
          ['with/digests', digests],
          ['without', {}],
        ] as const) {
          let sent = 0;
          let fetched = 0;
          await objects.putFile(key, join(scratch, 'in'), { ...options, onBytes: (more) => (sent += more) });
          const found = await objects.getFile(key, join(scratch, 'out'), { ...options, onBytes: (more) => (fetched += more) });
          assert.ok(bytes.equals(await readFile(join(scratch, 'out'))));
          assert.deepEqual([found.key, found.size, sent, fetched], [key, bytes.length, bytes.length, bytes.length]);
        }
      }
      assert.deepEqual((await readdir(scratch)).toSorted(), ['in', 'out']);
    });

    test('bytes that are not those of the digest are not put', async () => {
      const other = { md5: digest('md5', text('others')) };
      const path = join(scratch, 'in');
      for (const size of [6, fixture.largeBytes]) {
        await writeFile(path, Buffer.alloc(size, 1));
        await assert.rejects(objects.putFile('wrong', path, other), failsWith('DATA_LOSS'));
        await assert.rejects(objects.putFile('wrong', path, { sha256: '0'.repeat(64) }), failsWith('DATA_LOSS'));
      }
      await assert.rejects(objects.put('wrong', text('bytes'), other), failsWith('DATA_LOSS'));
      assert.deepEqual(await Array.fromAsync(objects.list()), []);
    });

    test('a corrupt object is named when it is fetched, and the path stays as it was', async () => {
      const path = join(scratch, 'out');
      await writeFile(path, 'as it was');
      for (const bytes of [text('precious'), Buffer.alloc(fixture.largeBytes, 7)]) {
        await objects.put('a/key', bytes);
        await fixture.corrupt('a/key');
        const named = (error: unknown) => hasCode(error, 'DATA_LOSS') && error.message.includes('a/key');
        await assert.rejects(objects.getFile('a/key', path, { md5: digest('md5', bytes) }), named);
        await assert.rejects(objects.getFile('a/key', path, { sha256: digest('sha256', bytes) }), named);
        assert.equal(await readFile(path, 'utf8'), 'as it was');
        assert.deepEqual(await readdir(scratch), ['out']);
      }
    });

    test('streams a part, and refuses one that lies outside', async () => {
      await objects.put('ten', text('0123456789'));
      const part = async (start: number, end?: number) =>
        (await gather(await objects.open('ten', end === undefined ? { start } : { start, end }))).toString();
      assert.deepEqual(
        [await part(2, 5), await part(7), await part(0, 10), await part(10), await part(4, 4)],
        ['234', '789', '0123456789', '', ''],
      );
      for (const range of [{ start: -1 }, { start: 11 }, { start: 3, end: 11 }, { start: 5, end: 4 }, { start: 0.5 }]) {
        await assert.rejects(objects.open('ten', range), failsWith('OUT_OF_RANGE'), JSON.stringify(range));
      }
    });

    test('a reader that stops half-way harms nobody', async () => {
      await objects.put('large', Buffer.alloc(2_000_000));
      for (let i = 0; i < 20; i++) {
        for await (const chunk of await objects.open('large')) {
          assert.ok(chunk.length > 0);
          break;
        }
        await objects.open('large');
      }
      assert.equal((await gather(await objects.open('large'))).length, 2_000_000);
    });

    test('says NOT_FOUND for what it does not have', async () => {
      await assert.rejects(objects.open('nothing'), failsWith('NOT_FOUND'));
      await assert.rejects(objects.getFile('nothing', join(scratch, 'out')), failsWith('NOT_FOUND'));
      await assert.rejects(objects.putFile('key', join(scratch, 'no such file')), failsWith('NOT_FOUND'));
      assert.deepEqual(await Array.fromAsync(objects.list('no such/')), []);
      assert.deepEqual(await readdir(scratch), []);
    });

    test('takes no key that could leave its place', async () => {
      for (const key of ['', '/etc/passwd', '../up', 'a/../../up', 'a//b', 'a/', './a', 'nul\0', 'x'.repeat(1025)]) {
        await assert.rejects(objects.put(key, text('x')), failsWith('INVALID_ARGUMENT'), JSON.stringify(key));
        await assert.rejects(objects.stat(key), failsWith('INVALID_ARGUMENT'));
        await assert.rejects(objects.delete(key), failsWith('INVALID_ARGUMENT'));
      }
    });

    test('lists by the beginnings of keys, in the order of their bytes, also through another opening', async () => {
      const keys = ['a!', 'a-b', 'a/b', 'a/b c+d%20', 'a/ä', 'a0', 'b/c/d', 'b/c/e', 'b/🙂', 'b/\uFF5E', "it's/(odd)!*"];
      await Promise.all(keys.map((key) => objects.put(key, text(key))).toReversed());
      await using again = await fixture.open();
      const listed = async (prefix?: string) => (await Array.fromAsync(again.list(prefix))).map(({ key }) => key);
      const ordered = keys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
      assert.deepEqual(await listed(), ordered);
      assert.deepEqual(await listed('a/'), ['a/b', 'a/b c+d%20', 'a/ä']);
      assert.deepEqual(await listed('a'), ['a!', 'a-b', 'a/b', 'a/b c+d%20', 'a/ä', 'a0']);
      assert.deepEqual(await listed('b/c/'), ['b/c/d', 'b/c/e']);
      assert.deepEqual(await listed('b/c/e'), ['b/c/e']);
      assert.deepEqual(await listed('../'), []);
      for (const key of keys) assert.equal((await gather(await again.open(key))).toString(), key);
    });

    test('deletes, and deleting what is not there is fine', async () => {
      await objects.put('gone/soon', text('x'));
      await objects.delete('gone/soon');
      await objects.delete('gone/soon');
      assert.equal(await objects.stat('gone/soon'), undefined);
    });

    test('many at once', async () => {
      const names = Array.from({ length: 300 }, (_, i) => `many/${i % 16}/${i}`);
      await Promise.all(names.map((key) => objects.put(key, text(key), { md5: digest('md5', text(key)) })));
      assert.equal((await Array.fromAsync(objects.list('many/'))).length, 300);
      await Promise.all(names.map((key, i) => objects.getFile(key, join(scratch, String(i)), { md5: digest('md5', text(key)) })));
      assert.equal((await readdir(scratch)).length, 300);
    });

    test('the same key put at once by two leaves one of both, whole', async () => {
      const [one, two] = [Buffer.alloc(fixture.largeBytes, 1), Buffer.alloc(fixture.largeBytes, 2)];
      await using other = await fixture.open();
      await Promise.all([objects.put('same', one), other.put('same', two)]);
      const found = await gather(await objects.open('same'));
      assert.ok(found.equals(one) || found.equals(two));
    });

    test('a signal ends it, and nothing is left', async () => {
      const path = join(scratch, 'in');
      await writeFile(path, Buffer.alloc(fixture.largeBytes));
      await objects.putFile('there', path);
      const stopped = AbortSignal.abort();
      await assert.rejects(objects.put('key', text('x'), { signal: stopped }), failsWith('CANCELLED'));
      await assert.rejects(objects.putFile('key', path, { signal: stopped }), failsWith('CANCELLED'));
      await assert.rejects(objects.getFile('there', join(scratch, 'out'), { signal: stopped }), failsWith('CANCELLED'));
      const stopping = new AbortController();
      const half = { signal: stopping.signal, md5: digest('md5', Buffer.alloc(fixture.largeBytes)), onBytes: () => stopping.abort() };
      await assert.rejects(objects.putFile('key', path, half), failsWith('CANCELLED'));
      assert.equal(await objects.stat('key'), undefined);
      assert.deepEqual(await readdir(scratch), ['in']);
    });
  });
}
