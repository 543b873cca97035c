import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { countingIds, hasCode, sha256 } from '#core';
import type { Sha256 } from '#core';
import { ada } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { openLfs } from './lfs.ts';
import type { LfsRepositories } from './port.ts';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

async function* stream(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield text(part);
}

async function gather(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(bytes)).toString();
}

const lfsOf = (bench: Bench): LfsRepositories => openLfs({ ...bench, newId: countingIds('lock') });

/** What objects of Git LFS promise, over any database. @param skip the reason why this one cannot be tried here */
export function lfsContract(backend: string, withBench: (work: (bench: Bench) => Promise<void>) => Promise<void>, skip?: string): void {
  describe(`objects of Git LFS on ${backend}`, { skip: skip ?? false }, () => {
    test('are stored under their oid, counted by repository, and read in whole or in part', () =>
      withBench(async (bench) => {
        const lfs = lfsOf(bench);
        const oid = sha256('0123456789');
        assert.deepEqual(await lfs.put({ repository: 'vision', oid, bytes: stream('01234', '56789'), by: ada }), { size: 10 });
        await lfs.put({ repository: 'vision', oid: sha256(''), bytes: stream(), by: ada });
        assert.equal(await gather(await lfs.open('vision', oid)), '0123456789');
        assert.equal(await gather(await lfs.open('vision', oid, { start: 7 })), '789');
        const at = '2026-01-31T00:00:00.000Z';
        assert.deepEqual(await lfs.list(), [{ repository: 'vision', objects: 2, bytes: 10, createdAt: at, lastStoredAt: at }]);
      }));

    test('of one repository are not there for another one, whoever knows the oid', () =>
      withBench(async (bench) => {
        const lfs = lfsOf(bench);
        const oid = sha256('secret');
        await lfs.put({ repository: 'ours', oid, bytes: stream('secret'), by: ada });
        assert.deepEqual(await lfs.sizes('theirs', [oid]), new Map());
        await assert.rejects(
          lfs.open('theirs', oid),
          (error) => hasCode(error, 'NOT_FOUND') && /"theirs" has no object/.test(error.message),
        );
        await lfs.put({ repository: 'theirs', oid, bytes: stream('sec', 'ret'), by: ada });
        assert.equal(await gather(await lfs.open('theirs', oid)), 'secret', 'whoever has the bytes may push them');
      }));

    test('that are not what their oid says, or that end early, leave neither record nor blob', () =>
      withBench(async (bench) => {
        const lfs = lfsOf(bench);
        const oid = sha256('right');
        const put = (bytes: AsyncIterable<Uint8Array>): Promise<unknown> => lfs.put({ repository: 'vision', oid, bytes, by: ada });
        await assert.rejects(put(stream('wrong')), (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.includes(oid));
        await assert.rejects(
          put(
            (async function* () {
              yield text('rig');
              throw new Error('the cable was pulled');
            })(),
          ),
          /cable/,
        );
        assert.deepEqual(await Array.fromAsync(bench.blobs.list()), []);
        assert.deepEqual(await lfs.list(), []);
      }));

    test('whose bytes were lost count as missing, and a second push mends them', () =>
      withBench(async (bench) => {
        const lfs = lfsOf(bench);
        const oid = sha256('lost');
        const push = (): Promise<unknown> => lfs.put({ repository: 'vision', oid, bytes: stream('lost'), by: ada });
        await push();
        await bench.blobs.delete(oid);
        assert.deepEqual(await lfs.sizes('vision', [oid]), new Map());
        await push();
        assert.deepEqual(await lfs.sizes('vision', [oid, sha256('never seen')]), new Map([[oid, 4]]));
      }));

    test('are what a pointer in place of a source stands for; without the bytes the pointer is refused by name', () =>
      withBench(async (bench) => {
        const lfs = lfsOf(bench);
        const rows = 'id,weight\na,1\nb,2\n';
        const pointerTo = (words: string): string =>
          `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(words)}\nsize ${words.length}\n`;
        const path = await bench.file('people.csv', pointerTo(rows));
        const ingest = (): ReturnType<Bench['data']['ingest']> => bench.data.ingest({ dataset: 'people', path, by: ada });
        const isRefused = (error: unknown): boolean =>
          hasCode(error, 'FAILED_PRECONDITION') &&
          /^people\.csv is a pointer of Git LFS and not the data: .*"git lfs pull"/.test(error.message);
        await assert.rejects(ingest(), isRefused);
        await bench.blobs.put(text(rows));
        await assert.rejects(ingest(), isRefused, 'a blob that no push brought is not to be had by its digest');
        await lfs.put({ repository: 'vision', oid: sha256(rows), bytes: stream(rows), by: ada });
        const { version } = await ingest();
        assert.deepEqual([version.manifest.rows, version.manifest.files[0].sha256], [2, sha256(rows)]);
        const plain = await bench.file('plain.csv', rows);
        const same = await bench.data.ingest({ dataset: 'people', path: plain, by: ada });
        assert.deepEqual([same.version.digest, same.created], [version.digest, false], 'the same version as from the file itself');

        const folder = join(bench.folder, 'images');
        await mkdir(folder);
        await writeFile(join(folder, 'cat.png'), pointerTo('a cat'));
        const images = bench.data.ingestImages({ dataset: 'cats', folder, source: 'images', by: ada });
        await assert.rejects(
          images,
          (error) => hasCode(error, 'FAILED_PRECONDITION') && error.message.startsWith('cat.png is a pointer of Git LFS'),
        );
      }));

    test('pushed many at once make one repository, and one event says so', () =>
      withBench(async (bench) => {
        const lfs = lfsOf(bench);
        const words = Array.from({ length: 20 }, (_, i) => `object ${i}`);
        await Promise.all(words.map((word) => lfs.put({ repository: 'busy', oid: sha256(word), bytes: stream(word), by: ada })));
        const oids: readonly Sha256[] = words.map((word) => sha256(word));
        assert.equal((await lfs.sizes('busy', oids)).size, 20);
        assert.deepEqual(await bench.eventTypes(), ['dev.gyre.lfs_repository.created.v1']);
      }));
  });
}
