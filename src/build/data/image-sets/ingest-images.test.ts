import assert from 'node:assert/strict';
import { rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { asSha256, hasCode, sha256 } from '#core';
import { toRecords } from '#tables';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import type { ImageIngestRequest } from './image-port.ts';
import { photo, relabelled, writeImages } from './testing.ts';

describe('a folder of images as a dataset', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());
  const request = (name: string, more: Partial<ImageIngestRequest> = {}): ImageIngestRequest => ({
    dataset: name,
    folder: join(bench.folder, name),
    source: `${name}/`,
    key: 'path',
    by: ada,
    ...more,
  });

  test('becomes one row for each image, with label, digests and measures, and its bytes are kept', async () => {
    await writeImages(join(bench.folder, 'clothes'), {
      'hat/a.jpg': photo('hat'),
      'shirt/ä ö.jpg': photo('shirt'),
      'shirt/again.jpg': photo('shirt'),
      'top.jpg': photo('shoes'),
      'shirt/notes.txt': 'x',
      '.hidden/b.jpg': photo('hat'),
    });
    const { version, created, images } = await bench.data.ingestImages(request('clothes'));
    assert.equal(created, true);
    assert.deepEqual(images, { found: 4, read: 4, decoded: 3, unreadable: 0, missing: 0, ignored: { '.txt': 1 }, links: 0 });
    assert.equal(version.manifest.format, 'images');
    const rows = toRecords(await bench.data.open(version.digest));
    assert.deepEqual(
      rows.map(({ path, label }) => [path, label]),
      [
        ['hat/a.jpg', 'hat'],
        ['shirt/again.jpg', 'shirt'],
        ['shirt/ä ö.jpg', 'shirt'],
        ['top.jpg', null],
      ],
    );
    assert.deepEqual(
      { ...rows[0], brightness: 0, contrast: 0, sharpness: 0, phash: '', pixels: '' },
      {
        path: 'hat/a.jpg',
        label: 'hat',
        size: 3784,
        sha256: sha256(photo('hat')),
        md5: rows[0].md5,
        format: 'jpeg',
        width: 128,
        height: 128,
        channels: 3,
        brightness: 0,
        contrast: 0,
        sharpness: 0,
        phash: '',
        pixels: '',
        readable: true,
        problem: 'none',
      },
    );
    for (const row of rows) assert.equal((await bench.blobs.read(asSha256(String(row.sha256)))).length, row.size);
  });

  test('is the same version when nothing changed, and no file is read again', async () => {
    const again = await bench.data.ingestImages(request('clothes'));
    assert.equal(again.created, false);
    assert.deepEqual([again.images.read, again.images.decoded], [0, 0]);
    assert.equal((await bench.data.list({ dataset: 'clothes' })).items.length, 1);
  });

  test('reads what changed or moved and nothing else, and decodes only bytes that it does not know', async () => {
    const folder = join(bench.folder, 'clothes');
    const [before] = (await bench.data.list({ dataset: 'clothes' })).items;
    await rename(join(folder, 'top.jpg'), join(folder, 'hat/moved.jpg'));
    await writeImages(folder, { 'hat/a.jpg': relabelled(photo('hat'), 'changed') });
    const { version, created, images } = await bench.data.ingestImages(request('clothes'));
    assert.equal(created, true);
    assert.deepEqual([images.read, images.decoded], [2, 1], 'the moved one has known bytes');
    const compared = await bench.data.compare(before.digest, version.digest);
    assert.deepEqual(compared.rows, { from: 4, to: 4 });
    const hat = toRecords(await bench.data.open(version.digest)).find(({ path }) => path === 'hat/a.jpg');
    const old = toRecords(await bench.data.open(before.digest)).find(({ path }) => path === 'hat/a.jpg');
    assert.notEqual(hat?.sha256, old?.sha256);
    assert.equal(hat?.pixels, old?.pixels, 'other bytes of the same picture');
  });

  test('notices bytes that were changed under the same size and time', async () => {
    const folder = join(bench.folder, 'clothes');
    const bytes = photo('shoes');
    bytes[bytes.length - 40] ^= 1;
    await writeFile(join(folder, 'hat/moved.jpg'), bytes);
    await utimes(join(folder, 'hat/moved.jpg'), new Date('2025-06-01'), new Date('2025-06-01'));
    const { images } = await bench.data.ingestImages(request('clothes'));
    assert.equal(images.read, 1);
  });

  test('reads a file again whose bytes were lost from the store', async () => {
    const digest = asSha256(sha256(photo('shirt')));
    await bench.blobs.delete(digest);
    const { images } = await bench.data.ingestImages(request('clothes'));
    assert.equal(images.read > 0, true);
    assert.equal(await bench.blobs.has(digest), true);
  });

  test('keeps broken images as rows that say what is wrong with them', async () => {
    await writeImages(join(bench.folder, 'broken'), {
      'a/good.jpg': photo('hat'),
      'a/cut.jpg': photo('hat').subarray(0, 3000),
      'a/text.png': 'no picture at all',
      'a/empty.jpg': '',
      'a/really-a-jpeg.png': photo('shoes'),
    });
    const { version, images } = await bench.data.ingestImages(request('broken'));
    assert.equal(images.unreadable, 3);
    const problems = new Map(toRecords(await bench.data.open(version.digest)).map((row) => [row.path, String(row.problem)]));
    assert.equal(problems.get('a/good.jpg'), 'none');
    assert.match(problems.get('a/cut.jpg') ?? '', /^truncated: the jpeg data end too early/);
    assert.match(problems.get('a/text.png') ?? '', /^unsupported: /);
    assert.match(problems.get('a/empty.jpg') ?? '', /^empty: /);
    assert.equal(problems.get('a/really-a-jpeg.png'), 'none');
  });

  test('follows no link, and says so', async () => {
    const folder = join(bench.folder, 'linked');
    await writeImages(folder, { 'a/one.jpg': photo('hat') });
    await symlink(join(bench.folder, 'clothes'), join(folder, 'b'));
    await symlink(join(bench.folder, 'clothes/hat/a.jpg'), join(folder, 'a/two.jpg'));
    const { images } = await bench.data.ingestImages(request('linked'));
    assert.deepEqual([images.found, images.links], [1, 2]);
  });

  test('takes folders above the class as a place, and can be narrowed to one', async () => {
    await writeImages(join(bench.folder, 'parts'), {
      'train/cat/1.jpg': photo('hat'),
      'train/dog/2.jpg': photo('shirt'),
      'test/cat/3.jpg': photo('shoes'),
    });
    const whole = await bench.data.ingestImages(request('parts'));
    assert.deepEqual(
      toRecords(await bench.data.open(whole.version.digest)).map(({ folder, label }) => `${folder} ${label}`),
      ['test cat', 'train cat', 'train dog'],
    );
    const train = await bench.data.ingestImages(request('parts', { where: "folder = 'train'" }));
    assert.equal(train.version.manifest.rows, 2);
    assert.deepEqual(train.version.manifest.derivedFrom?.parents, [whole.version.digest]);
  });

  test('is refused when it holds no image, is not there, or is a file', async () => {
    await writeImages(join(bench.folder, 'texts'), { 'a/readme.md': 'x' });
    await assert.rejects(
      bench.data.ingestImages(request('texts')),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /holds no image \(it holds 1 \.md\)/.test(error.message),
    );
    await assert.rejects(bench.data.ingestImages(request('nowhere')), (error) => hasCode(error, 'NOT_FOUND'));
    await assert.rejects(bench.data.ingestImages(request('texts', { folder: join(bench.folder, 'texts/a/readme.md') })), (error) =>
      hasCode(error, 'INVALID_ARGUMENT'),
    );
  });

  test('stops when it is told to, and goes on from there', async () => {
    await writeImages(join(bench.folder, 'stopped'), {
      'a/1.jpg': relabelled(photo('hat'), 'one'),
      'a/2.jpg': relabelled(photo('hat'), 'two'),
    });
    await assert.rejects(bench.data.ingestImages(request('stopped', { signal: AbortSignal.abort() })), (error) =>
      hasCode(error, 'CANCELLED'),
    );
    const { items } = await bench.data.ingestions.list({ dataset: 'stopped' });
    assert.deepEqual(
      items.map(({ kind, outcome, code, progress }) => [kind, outcome, code, progress]),
      [['images', 'cancelled', 'CANCELLED', undefined]],
    );
    assert.equal((await bench.data.ingestImages(request('stopped'))).version.manifest.rows, 2);
  });
});

describe('labels of images from a CSV', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    await writeImages(join(bench.folder, 'pictures'), { 'a.jpg': photo('hat'), 'deep/er/b.jpg': photo('shirt'), 'c.jpg': photo('shoes') });
  });
  after(() => bench[Symbol.asyncDispose]());
  const ingest = async (csv: string, columns: { path?: string; label?: string } = {}) => {
    const file = await bench.file('labels.csv', csv);
    const labels = { file, path: 'path', label: 'label', ...columns };
    return bench.data.ingestImages({ dataset: 'p', folder: join(bench.folder, 'pictures'), labels, source: 'pictures/', by: ada });
  };

  test('are joined by path, with the columns beside them, and what one side lacks is a row that says so', async () => {
    const { version, images } = await ingest('file,class,weight\na.jpg,hat,1.5\n./deep\\er\\b.jpg,shirt,2\nlost.jpg,shoes,3\n', {
      path: 'file',
      label: 'class',
    });
    assert.equal(images.missing, 1);
    const rows = toRecords(await bench.data.open(version.digest));
    assert.deepEqual(
      rows.map(({ path, label, weight, folder, problem }) => [path, label, weight, folder, problem]),
      [
        ['a.jpg', 'hat', 1.5, null, 'none'],
        ['c.jpg', null, null, null, 'none'],
        ['deep/er/b.jpg', 'shirt', 2, 'deep/er', 'none'],
        ['lost.jpg', 'shoes', 3, null, 'missing'],
      ],
    );
  });

  test('keep numbers as labels as they were written', async () => {
    const { version } = await ingest('path,label\na.jpg,01\nc.jpg,2\n');
    assert.deepEqual(
      toRecords(await bench.data.open(version.digest)).map(({ label }) => label),
      ['01', '2', null],
    );
  });

  test('are refused with the row: a path that leads out, that is missing, or that is named twice; a column that is not there or is ours', async () => {
    const refused = async (csv: string, words: RegExp): Promise<void> => {
      await assert.rejects(ingest(csv), (error) => hasCode(error, 'INVALID_ARGUMENT') && words.test(error.message));
    };
    await refused('path,label\na.jpg,x\n../secret.jpg,y\n', /row 3: "\.\.\/secret\.jpg" leads out/);
    await refused('path,label\n/etc/passwd,y\n', /row 2: "\/etc\/passwd" leads out/);
    await refused('path,label\na.jpg,x\n,y\n', /row 3: no path/);
    await refused('path,label\na.jpg,x\n./a.jpg,y\n', /row 3 names a\.jpg again, after row 2/);
    await refused('name,label\na.jpg,x\n', /has no column "path"; it has name, label/);
    await refused('path,label,width\na.jpg,x,3\n', /column "width" has the name of a column that is measured/);
  });

  test('and a link in place of a file that they name is no file', async () => {
    const secret = await bench.file('outside.jpg', photo('hat'));
    await symlink(secret, join(bench.folder, 'pictures/link.jpg'));
    const { images } = await ingest('path,label\nlink.jpg,x\n');
    assert.equal(images.missing, 1);
    await rm(join(bench.folder, 'pictures/link.jpg'));
  });
});
