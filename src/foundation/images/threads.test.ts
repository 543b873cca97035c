import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '#core';
import { factsOf } from './facts.ts';
import { resizeRaster } from './resize.ts';
import { encoded, gradient, photo } from './testing.ts';
import { openImageThreads } from './threads.ts';
import { thumbnail } from './thumbnail.ts';
import { decodeImage } from './decode.ts';

describe('threads for images', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-images-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('read files with their digests and examine them as the calling thread would, many at once', async () => {
    await using threads = await openImageThreads({ threads: 2 });
    const names = ['hat', 'shirt', 'shoes'] as const;
    for (const name of names) await writeFile(join(folder, `${name}.jpg`), photo(name));
    const jobs = Array.from({ length: 30 }, (_, at) => names[at % 3]);
    const found = await Promise.all(
      jobs.map(async (name) => {
        const { bytes, sha256, md5, size } = await threads.read(join(folder, `${name}.jpg`));
        assert.equal(sha256, createHash('sha256').update(photo(name)).digest('hex'));
        assert.equal(md5, createHash('md5').update(photo(name)).digest('hex'));
        assert.equal(size, photo(name).length);
        return threads.examine(bytes);
      }),
    );
    for (const [at, facts] of found.entries()) assert.deepEqual(facts, await factsOf(photo(jobs[at])));
  });

  test('say which file is missing, a folder, or too large', async () => {
    await using threads = await openImageThreads({ threads: 1, limits: { bytes: 100 } });
    await assert.rejects(threads.read(join(folder, 'nowhere.jpg')), (error) => hasCode(error, 'NOT_FOUND'));
    await assert.rejects(threads.read(folder), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    await writeFile(join(folder, 'large.png'), new Uint8Array(101));
    await assert.rejects(threads.read(join(folder, 'large.png')), (error) => hasCode(error, 'RESOURCE_EXHAUSTED'));
  });

  test('refuse what they had not answered when they are closed', async () => {
    const threads = await openImageThreads({ threads: 1 });
    const bytes = await encoded(gradient(1500, 1500), 'png');
    const asked = threads.examine(bytes);
    const refused = assert.rejects(asked, (error) => hasCode(error, 'UNAVAILABLE'));
    await threads[Symbol.asyncDispose]();
    await refused;
  });
});

describe('measures of an image', () => {
  test('tell dark from bright, flat from rich, and blurred from sharp', async () => {
    const black = await factsOf(await encoded({ width: 64, height: 64, channels: 3, data: new Uint8Array(64 * 64 * 3) }, 'png'));
    assert.deepEqual([black.measures?.brightness, black.measures?.contrast, black.measures?.sharpness], [0, 0, 0]);
    const board = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) =>
      (((Math.floor(at / 3) % 64) >> 2) + (Math.floor(at / 192) >> 2)) % 2 === 0 ? 0 : 255,
    );
    const sharp = await factsOf(await encoded({ width: 64, height: 64, channels: 3, data: board }, 'png'));
    assert.deepEqual([sharp.measures?.brightness, sharp.measures?.contrast], [0.5, 0.5]);
    const blurred = resizeRaster(resizeRaster({ width: 64, height: 64, channels: 3, data: board }, { width: 8, height: 8 }), {
      width: 64,
      height: 64,
    });
    const soft = await factsOf(await encoded(blurred, 'png'));
    assert.ok((sharp.measures?.sharpness ?? 0) > 4 * (soft.measures?.sharpness ?? 1));
  });

  test('know the same pixels in another file', async () => {
    const picture = gradient(30, 20);
    const [png, webp] = [await factsOf(await encoded(picture, 'png')), await factsOf(await encoded(picture, 'webp'))];
    assert.equal(png.measures?.pixels, webp.measures?.pixels);
    assert.equal(png.measures?.phash, webp.measures?.phash);
  });

  test('leave out what has no pixels', async () => {
    const facts = await factsOf(photo('hat').subarray(0, 2000));
    assert.equal(facts.problem, 'truncated');
    assert.equal(facts.width, 128);
    assert.equal(facts.measures, undefined);
  });
});

describe('a thumbnail', () => {
  test('is a JPEG within its size, turned the right way, never larger than the picture', async () => {
    const bytes = await encoded(gradient(200, 100), 'jpeg', { orientation: 6 });
    const small = await decodeImage(await thumbnail(bytes, 64));
    assert.deepEqual([small.width, small.height], [32, 64]);
    const same = await decodeImage(await thumbnail(photo('hat'), 500));
    assert.deepEqual([same.width, same.height], [128, 128]);
  });

  test('shows what is there of a picture that was cut off, and refuses what is none', async () => {
    const shown = await decodeImage(await thumbnail(photo('hat').subarray(0, 2500), 64));
    assert.equal(shown.width, 64);
    await assert.rejects(thumbnail(new TextEncoder().encode('<svg/>'), 64), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });
});
