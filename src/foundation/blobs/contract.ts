import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode, sha256 } from '#core';
import type { ErrorCode } from '#core';
import type { BlobStore } from './port.ts';

/** A place for blobs that several stores can open, and that goes away. */
export interface BlobFixture extends AsyncDisposable {
  open(): Promise<BlobStore>;
  /** Changes one byte of a stored blob behind the store's back. */
  corrupt(digest: string): Promise<void>;
  /** Time passes. @returns an instant (UTC milliseconds) after all that was stored until now, and before all that is stored from now on */
  later(): Promise<number>;
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const failsWith = (code: ErrorCode) => (error: unknown) => hasCode(error, code);

async function gather(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += step) yield bytes.subarray(start, start + step);
}

/** What every blob store promises. @param skip the reason why this one cannot be tried here */
export function blobStoreContract(name: string, prepare: () => Promise<BlobFixture>, skip?: string): void {
  describe(`${name} keeps the blob store's contract`, { skip: skip ?? false }, () => {
    let fixture: BlobFixture;
    let blobs: BlobStore;
    let scratch: string;
    beforeEach(async () => {
      fixture = await prepare();
      blobs = await fixture.open();
      scratch = await mkdtemp(join(tmpdir(), 'gyre-blobs-'));
    });
    afterEach(async () => {
      await fixture[Symbol.asyncDispose]();
      await rm(scratch, { recursive: true });
    });

    test('names bytes by their SHA-256, however they come', async () => {
      const bytes = text('the same bytes');
      const path = join(scratch, 'file');
      await writeFile(path, bytes);
      const expected = { digest: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
      assert.deepEqual(await blobs.put(bytes), expected);
      assert.deepEqual(await blobs.put(pieces(bytes, 3)), expected);
      assert.deepEqual(await blobs.putFile(path), expected);
      assert.equal((await Array.fromAsync(blobs.list())).length, 1);
      assert.deepEqual(Buffer.from(await blobs.read(sha256(bytes))), Buffer.from(bytes));
    });

    test('computes the MD5 on the way when asked, also of bytes it has already', async () => {
      const bytes = text('hello');
      const md5 = '5d41402abc4b2a76b9719d911017c592';
      assert.equal((await blobs.put(pieces(bytes, 2), { md5: true })).md5, md5);
      assert.equal((await blobs.put(bytes, { md5: true })).md5, md5);
      assert.equal((await blobs.put(bytes)).md5, undefined);
    });

    test('keeps the empty blob and a large one', async () => {
      const large = new Uint8Array(3_000_001).map((_, i) => (i * 31) % 251);
      for (const bytes of [new Uint8Array(), large]) {
        const { digest, size } = await blobs.put(bytes);
        assert.equal(size, bytes.length);
        assert.ok(Buffer.from(bytes).equals(await gather(await blobs.open(digest))));
        assert.ok(Buffer.from(bytes).equals(await blobs.read(digest)));
        assert.ok(Buffer.from(bytes).equals(await readFile(await blobs.localPath(digest, { verify: true }))));
      }
    });

    test('streams a part', async () => {
      const { digest } = await blobs.put(text('0123456789'));
      const part = async (start: number, end?: number) =>
        (await gather(await blobs.open(digest, end === undefined ? { start } : { start, end }))).toString();
      assert.equal(await part(2, 5), '234');
      assert.equal(await part(7), '789');
      assert.equal(await part(0, 10), '0123456789');
      assert.equal(await part(10), '');
      assert.equal(await part(4, 4), '');
    });

    test('refuses a part that lies outside', async () => {
      const { digest } = await blobs.put(text('0123456789'));
      for (const range of [{ start: -1 }, { start: 11 }, { start: 3, end: 11 }, { start: 5, end: 4 }, { start: 0.5 }]) {
        await assert.rejects(blobs.open(digest, range), failsWith('OUT_OF_RANGE'), JSON.stringify(range));
      }
    });

    test('says NOT_FOUND for what it does not have', async () => {
      const digest = sha256('nobody stored this');
      assert.equal(await blobs.has(digest), false);
      assert.equal(await blobs.stat(digest), undefined);
      const questions = [() => blobs.open(digest), () => blobs.read(digest), () => blobs.localPath(digest), () => blobs.verify(digest)];
      for (const ask of questions) {
        await assert.rejects(ask, failsWith('NOT_FOUND'));
      }
      await assert.rejects(blobs.putFile(join(scratch, 'no such file')), failsWith('NOT_FOUND'));
    });

    test('takes no digest that is none', async () => {
      // A caller without types could hand in a path.
      const path = '../../etc/passwd' as ReturnType<typeof sha256>;
      await assert.rejects(blobs.read(path), failsWith('INVALID_ARGUMENT'));
      await assert.rejects(blobs.delete(path), failsWith('INVALID_ARGUMENT'));
    });

    test('finds a corrupt blob when it is read, and names it', async () => {
      const { digest } = await blobs.put(text('precious bytes'));
      await fixture.corrupt(digest);
      const named = (error: unknown) => hasCode(error, 'DATA_LOSS') && error.message.includes(digest);
      await assert.rejects(blobs.read(digest), named);
      await assert.rejects(blobs.verify(digest), named);
      await assert.rejects(blobs.localPath(digest, { verify: true }), named);
      await assert.rejects(gather(await blobs.open(digest)), named);
    });

    test('storing the right bytes again mends a corrupt blob', async () => {
      const bytes = text('precious bytes');
      for (const again of [bytes, pieces(bytes, 4)]) {
        const { digest } = await blobs.put(bytes);
        await fixture.corrupt(digest);
        await blobs.put(again);
        await blobs.verify(digest);
      }
    });

    test('a source that fails leaves nothing, and its error comes through', async () => {
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield text('some');
        throw new Error('the network went away');
      }
      await assert.rejects(blobs.put(failing()), /the network went away/);
      assert.deepEqual(await Array.fromAsync(blobs.list()), []);
    });

    test('a reader that stops half-way harms nobody', async () => {
      const { digest } = await blobs.put(new Uint8Array(2_000_000));
      for (let i = 0; i < 20; i++) {
        for await (const chunk of await blobs.open(digest)) {
          assert.ok(chunk.length > 0);
          break;
        }
        await blobs.open(digest);
      }
      assert.equal((await gather(await blobs.open(digest))).length, 2_000_000);
    });

    test('the same bytes put many times at once are one blob', async () => {
      const bytes = new Uint8Array(100_000).fill(7);
      const refs = await Promise.all(Array.from({ length: 12 }, (_, i) => blobs.put(i % 2 === 0 ? bytes : pieces(bytes, 9000))));
      assert.equal(new Set(refs.map(({ digest }) => digest)).size, 1);
      assert.equal((await Array.fromAsync(blobs.list())).length, 1);
      await blobs.verify(refs[0].digest);
    });

    test('lists what it has in the order of digests, also through another opening', async () => {
      const refs = await Promise.all(Array.from({ length: 20 }, (_, i) => blobs.put(text(`blob ${i}`))));
      const listed = await Array.fromAsync((await fixture.open()).list());
      assert.deepEqual(
        listed.map(({ digest, size }) => ({ digest, size })),
        refs.toSorted((left, right) => (left.digest < right.digest ? -1 : 1)),
      );
      assert.ok(listed.every(({ storedAt }) => Number.isInteger(storedAt) && storedAt > 1_700_000_000_000));
    });

    test('deletes, and deleting what is not there is fine', async () => {
      const { digest } = await blobs.put(text('gone soon'));
      assert.equal(await blobs.delete(digest), true);
      assert.equal(await blobs.delete(digest), false);
      assert.equal(await blobs.has(digest), false);
      assert.deepEqual(await blobs.put(text('gone soon')), { digest, size: 9 });
    });

    test('renewed or stored again, a blob counts as stored now', async () => {
      const large = new Uint8Array(1_500_000).fill(3);
      const renewals: readonly (readonly [Uint8Array, () => Promise<unknown>])[] = [
        [text('renewed'), () => blobs.renew(sha256('renewed'))],
        [text('put'), () => blobs.put(text('put'))],
        [text('streamed'), () => blobs.put(pieces(text('streamed'), 3))],
        [large, () => blobs.put(large)],
      ];
      for (const [bytes] of renewals) await blobs.put(bytes);
      const then = await fixture.later();
      assert.equal(await blobs.renew(sha256('nobody stored this')), false);
      for (const [bytes, renew] of renewals) {
        const digest = sha256(bytes);
        const before = await blobs.stat(digest);
        assert.ok(before !== undefined && before.storedAt < then);
        await renew();
        const after = await blobs.stat(digest);
        assert.ok(after !== undefined && after.storedAt >= then);
      }
      assert.equal(await blobs.renew(sha256('put')), true);
    });

    test('a delete of what was stored before an instant spares what came since', async () => {
      const [old, renewed, again] = await Promise.all(['old', 'renewed', 'again'].map((words) => blobs.put(text(words))));
      const storedBefore = await fixture.later();
      const young = await blobs.put(text('young'));
      await blobs.renew(renewed.digest);
      await blobs.put(text('again'));
      const deleted = [];
      for (const { digest } of [old, renewed, again, young]) deleted.push(await blobs.delete(digest, { storedBefore }));
      assert.deepEqual(deleted, [true, false, false, false]);
      assert.equal((await Array.fromAsync(blobs.list())).length, 3);
    });

    test('a blob that is put or renewed while it is deleted is there afterwards, or the renewal said no', async () => {
      const bytes = Array.from({ length: 60 }, (_, i) => text(`blob ${i}`));
      for (const each of bytes) await blobs.put(each);
      const storedBefore = await fixture.later();
      await Promise.all(
        bytes.map(async (each, i) => {
          const digest = sha256(each);
          const store = (): Promise<unknown> => blobs.put(i % 3 === 0 ? pieces(each, 2) : each);
          const keep = (): Promise<boolean> => (i % 3 === 2 ? blobs.renew(digest) : store().then(() => true));
          const remove = (): Promise<boolean> => blobs.delete(digest, { storedBefore });
          // Begun in both orders, so that each finds the other in its middle.
          const inOrder = i % 2 === 0 ? [keep, remove] : [remove, keep];
          const answers = await Promise.all(inOrder.map((each) => each()));
          assert.equal(await blobs.has(digest), answers[inOrder.indexOf(keep)], `blob ${i}`);
        }),
      );
    });
  });
}
