import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode, sha256 } from '#core';
import { decodeImage } from '#images';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { photo, relabelled, writeImages } from './testing.ts';

describe('the images of a version', () => {
  let bench: Bench;
  let version: string;
  before(async () => {
    bench = await openBench();
    const folder = join(bench.folder, 'images');
    await writeImages(folder, {
      'hat/1.jpg': photo('hat'),
      'hat/2.jpg': relabelled(photo('hat'), 'again'),
      'hat/cut.jpg': photo('hat').subarray(0, 3000),
      'shirt/3.jpg': photo('shirt'),
      'shirt/4.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    });
    version = (await bench.data.ingestImages({ dataset: 'd', folder, source: 'images/', by: ada })).version.digest;
  });
  after(() => bench[Symbol.asyncDispose]());

  test('are listed in pages, by label, and by what a check found in its groups', async () => {
    const { images } = bench.data;
    const first = await images.list(version, { limit: 2 });
    assert.deepEqual([first.items.map(({ path }) => path), first.total, first.next], [['hat/1.jpg', 'hat/2.jpg'], 5, '2']);
    const second = await images.list(version, { limit: 3, after: first.next ?? '' });
    assert.deepEqual([second.items.length, second.next], [3, undefined]);
    assert.deepEqual(first.labels, [
      { label: 'hat', images: 3 },
      { label: 'shirt', images: 2 },
    ]);
    assert.deepEqual(
      (await images.list(version, { label: 'shirt' })).items.map(({ path }) => path),
      ['shirt/3.jpg', 'shirt/4.svg'],
    );
    const same = await images.list(version, { check: 'same pixels' });
    assert.deepEqual(
      same.items.map(({ path, group }) => [path, group]),
      [
        ['hat/1.jpg', 0],
        ['hat/2.jpg', 0],
      ],
    );
    assert.deepEqual(
      (await images.list(version, { check: 'readable images', label: 'hat' })).items.map(({ path }) => path),
      ['hat/cut.jpg'],
    );
    await assert.rejects(
      images.list(version, { check: 'beauty' }),
      (error) => hasCode(error, 'NOT_FOUND') && /"same pixels"/.test(error.message),
    );
    await assert.rejects(images.list(version, { after: 'x' }), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });

  test('are given as they came, and only those that the version names', async () => {
    const { format, bytes, digest, size } = await bench.data.images.image(version, sha256(photo('shirt')));
    assert.deepEqual([format, digest, size], ['jpeg', sha256(photo('shirt')), photo('shirt').length]);
    const chunks: Uint8Array[] = [];
    if (!(bytes instanceof Uint8Array)) for await (const chunk of bytes) chunks.push(chunk);
    assert.equal(sha256(Buffer.concat(chunks)), digest);
    const { digest: secret } = await bench.blobs.put(new TextEncoder().encode('a blob of somebody else'));
    for (const other of [secret, (await bench.data.get(version)).rowsDigest])
      await assert.rejects(bench.data.images.image(version, other), (error) => hasCode(error, 'NOT_FOUND'));
  });

  test('are made small once for each size, and again when the small one was lost', async () => {
    const asked = sha256(photo('shirt'));
    const small = await bench.data.images.thumbnail(version, asked, 64);
    assert.ok(small.bytes instanceof Uint8Array);
    const { width, height } = await decodeImage(small.bytes);
    assert.deepEqual([width, height], [64, 64]);
    const again = await bench.data.images.thumbnail(version, asked, 64);
    assert.equal(again.digest, small.digest);
    await bench.blobs.delete(small.digest);
    assert.equal((await bench.data.images.thumbnail(version, asked, 64)).digest, small.digest);
    const cut = await bench.data.images.thumbnail(version, sha256(photo('hat').subarray(0, 3000)), 64);
    assert.equal(cut.format, 'jpeg', 'what there is of a picture that was cut off is shown');
    const svg = sha256('<svg xmlns="http://www.w3.org/2000/svg"/>');
    await assert.rejects(bench.data.images.thumbnail(version, svg, 64), (error) => hasCode(error, 'FAILED_PRECONDITION'));
  });

  test('of a table there are none', async () => {
    const table = await bench.data.ingest({ dataset: 't', path: await bench.file('t.csv', 'a,b\n1,2\n'), by: ada });
    await assert.rejects(
      bench.data.images.list(table.version.digest, {}),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /is a table, not made of images/.test(error.message),
    );
  });
});
