import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { asSha256, sha256 } from '#core';
import { by, code, environment } from '../testing.ts';
import type { Rooms } from '../testing.ts';
import { publicRunId } from '../tracking/words.ts';
import type { ArtifactTree } from './port.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function* pieces(...values: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const value of values) yield text(value);
}

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What the tree of artifacts keeps on every database. */
export function artifactsContract(backend: string, open: () => Promise<Rooms>, skip: string | false = false): void {
  describe(`the tree of artifacts on ${backend}`, { skip }, () => {
    let rooms: Rooms;
    let tree: ArtifactTree;
    before(async () => {
      rooms = await open();
      tree = rooms.training.artifacts;
    });
    after(() => rooms[Symbol.asyncDispose]());

    test('keeps a file, says what it is, and gives all of it or a part', async () => {
      const file = await tree.put('0/aa/artifacts/plots/roc.txt', pieces('a cur', 've'));
      assert.deepEqual(file, { path: '0/aa/artifacts/plots/roc.txt', digest: sha256('a curve'), size: 7 });
      assert.deepEqual(await tree.stat(file.path), { kind: 'file', ...file });
      assert.deepEqual(await tree.stat('0/aa/artifacts/plots'), { kind: 'folder', path: '0/aa/artifacts/plots' });
      assert.equal(await tree.stat('0/aa/artifacts/roc.txt'), undefined);
      assert.equal(await readAll(await tree.open(file.path)), 'a curve');
      assert.equal(await readAll(await tree.open(file.path, { start: 2, end: 5 })), 'cur');
      await assert.rejects(tree.open('0/aa/artifacts/plots'), { code: 'INVALID_ARGUMENT', message: /is a folder/ });
      await assert.rejects(tree.open('0/aa/artifacts/none'), { code: 'NOT_FOUND' });
    });

    test('replaces a file, and keeps the same bytes once', async () => {
      await tree.put('replaced/a.txt', text('one'));
      await tree.put('replaced/a.txt', text('two'));
      await tree.put('replaced/b.txt', text('two'));
      assert.equal(await readAll(await tree.open('replaced/a.txt')), 'two');
      const { items } = await tree.files('replaced');
      assert.deepEqual(new Set(items.map(({ digest }) => digest)), new Set([sha256('two')]));
    });

    test('lists one folder in the order of names, page by page, without what is deeper', async () => {
      for (const name of ['b.txt', 'a/x.txt', 'a/deep/y.txt', 'c/z.txt', 'Ä.txt', 'a.txt']) await tree.put(`listed/${name}`, text(name));
      const seen: string[] = [];
      let next: string | undefined;
      do {
        const page = await tree.list('listed', { limit: 2, ...(next === undefined ? {} : { after: next }) });
        assert.ok(page.items.length <= 2);
        seen.push(...page.items.map(({ kind, path }) => `${kind} ${path}`));
        next = page.next;
      } while (next !== undefined);
      assert.deepEqual(seen, ['folder listed/a', 'file listed/a.txt', 'file listed/b.txt', 'folder listed/c', 'file listed/Ä.txt']);
      assert.deepEqual((await tree.list('listed/none')).items, []);
      assert.ok((await tree.list('')).items.some(({ path }) => path === 'listed'));
    });

    test('walks all files below a folder, page by page, and no neighbour whose name begins the same', async () => {
      for (const name of ['m/1', 'm/s/2', 'm/s/t/3', 'm0/4', 'm-/5', 'm/6']) await tree.put(`walked/${name}`, text(name));
      const seen: string[] = [];
      let next: string | undefined;
      do {
        const page = await tree.files('walked/m', { limit: 2, ...(next === undefined ? {} : { after: next }) });
        seen.push(...page.items.map(({ path }) => path.slice('walked/'.length)));
        next = page.next;
      } while (next !== undefined);
      assert.deepEqual(seen, ['m/1', 'm/6', 'm/s/2', 'm/s/t/3']);
    });

    test('deletes a file, or a folder with all that is in it, and nothing beside', async () => {
      for (const name of ['d/1', 'd/s/2', 'd0/3', 'e']) await tree.put(`gone/${name}`, text(name));
      assert.equal(await tree.delete('gone/d'), 2);
      assert.equal(await tree.delete('gone/d'), 0);
      assert.equal(await tree.delete('gone/e'), 1);
      assert.deepEqual(
        (await tree.files('gone')).items.map(({ path }) => path),
        ['gone/d0/3'],
      );
      assert.equal(await tree.stat('gone/d/s'), undefined);
      assert.equal((await tree.put('gone/d', text('a file now'))).size, 10);
    });

    test('keeps files and folders apart', async () => {
      await tree.put('apart/folder/file', text('x'));
      await assert.rejects(tree.put('apart/folder', text('x')), { code: 'INVALID_ARGUMENT', message: /"apart\/folder" is a folder/ });
      await assert.rejects(tree.put('apart/folder/file/deeper/still', text('x')), {
        code: 'INVALID_ARGUMENT',
        message: /"apart\/folder\/file" is a file/,
      });
    });

    test('takes many files for one new folder at the same time', async () => {
      const names = Array.from({ length: 60 }, (_, at) => `f${String(at).padStart(2, '0')}`);
      await Promise.all(names.map((name) => tree.put(`burst/a/b/c/${name}`, text(name))));
      assert.deepEqual(
        (await tree.list('burst/a/b/c')).items.map(({ path }) => path.slice(12)),
        names,
      );
    });

    test('what a run logged stands below its folder, and the other way round', async () => {
      const run = await rooms.training.startRun({ code, environment, by });
      await rooms.training.logArtifact(run.id, 'logged.txt', text('by the room'));
      const folder = await rooms.training.artifactFolder(run.id);
      assert.equal(folder, `${run.experiment}/${publicRunId(run.id)}/artifacts`);
      await tree.put(`${folder}/put.txt`, text('by the tree'));
      assert.deepEqual(
        (await tree.list(folder)).items.map(({ path }) => path.slice(folder.length + 1)),
        ['logged.txt', 'put.txt'],
      );
      assert.deepEqual(await rooms.training.readArtifact(run.id, 'put.txt'), await rooms.blobs.read(sha256('by the tree')));
      await assert.rejects(rooms.training.artifactFolder('nope'), { code: 'NOT_FOUND' });
    });

    test('a file comes in parts, in any order and at the same time', async () => {
      const { uploads } = tree;
      const upload = await uploads.begin({ path: 'parts/large.bin', parts: 3 });
      const digests = await Promise.all(
        [3, 1, 2].map(async (part) => ({ part, digest: await uploads.putPart(upload, part, pieces(`<${part}>`)) })),
      );
      assert.equal(await tree.stat('parts/large.bin'), undefined, 'nothing half');
      const file = await uploads.complete(upload, digests);
      assert.deepEqual(file, { path: 'parts/large.bin', digest: sha256('<1><2><3>'), size: 9 });
      assert.equal(await readAll(await tree.open(file.path)), '<1><2><3>');
      assert.deepEqual(await uploads.complete(upload, digests), file, 'asked again, the answer is the same');
      await assert.rejects(uploads.putPart(upload, 1, pieces('late')), { code: 'FAILED_PRECONDITION' });
    });

    test('an upload is completed whole or not at all', async () => {
      const { uploads } = tree;
      const upload = await uploads.begin({ path: 'parts/half.bin', parts: 2 });
      const one = { part: 1, digest: await uploads.putPart(upload, 1, pieces('one')) };
      await assert.rejects(uploads.complete(upload, [one, { part: 2, digest: sha256('two') }]), {
        code: 'FAILED_PRECONDITION',
        message: /part 2 .* has not arrived/,
      });
      const two = { part: 2, digest: await uploads.putPart(upload, 2, pieces('two')) };
      await assert.rejects(uploads.complete(upload, [one]), { message: /part 2 .* is not among those/ });
      await assert.rejects(uploads.complete(upload, [two, { part: 1, digest: sha256('other') }]), { message: /part 1 .* another one/ });
      await assert.rejects(uploads.complete({ ...upload, path: 'parts/elsewhere' }, [one, two]), { code: 'NOT_FOUND' });
      await uploads.abort(upload);
      await uploads.abort(upload);
      await assert.rejects(uploads.complete(upload, [one, two]), { code: 'NOT_FOUND' });
      assert.equal(await tree.stat('parts/half.bin'), undefined);
    });

    test('a part needs the upload’s own key, and a number that was announced', async () => {
      const { uploads } = tree;
      const [upload, other] = [await uploads.begin({ path: 'parts/a', parts: 2 }), await uploads.begin({ path: 'parts/b', parts: 2 })];
      assert.notEqual(upload.key, other.key);
      await assert.rejects(uploads.putPart({ id: upload.id, key: other.key }, 1, pieces('x')), { code: 'UNAUTHENTICATED' });
      await assert.rejects(uploads.putPart({ id: 'none', key: upload.key }, 1, pieces('x')), { code: 'UNAUTHENTICATED' });
      await assert.rejects(uploads.putPart(upload, 3, pieces('x')), { code: 'OUT_OF_RANGE' });
      await assert.rejects(uploads.begin({ path: 'parts/c', parts: 10_001 }), { code: 'INVALID_ARGUMENT' });
      await assert.rejects(uploads.begin({ path: '../c', parts: 1 }), { code: 'INVALID_ARGUMENT' });
    });

    test('bytes whose source fails leave nothing', async () => {
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield text('half');
        throw new Error('the line was cut');
      };
      await assert.rejects(tree.put('cut/file', failing()), /the line was cut/);
      assert.equal(await tree.stat('cut'), undefined);
      assert.equal(await rooms.blobs.has(asSha256(sha256('half'))), false);
    });
  });
}
