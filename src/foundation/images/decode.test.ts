import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode, sha256 } from '#core';
import { decodeImage, examineImage, imageFunction } from './decode.ts';
import { resizeRaster } from './resize.ts';
import { sniffImage } from './sniff.ts';
import { encoded, gradient, photo } from './testing.ts';

const at = ({ width, data }: { width: number; data: Uint8Array }, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

describe('decoding an image', () => {
  for (const format of ['png', 'webp', 'tiff'] as const) {
    test(`gives back the very pixels that were stored as ${format}`, async () => {
      const picture = gradient(23, 17);
      const bytes = await encoded(picture, format);
      assert.equal(sniffImage(bytes), format);
      const decoded = await decodeImage(bytes);
      assert.deepEqual([decoded.width, decoded.height, decoded.channels], [23, 17, 3]);
      assert.deepEqual(decoded.data, Buffer.from(picture.data));
    });
  }

  test('reads JPEG, GIF and AVIF, whose pixels are near those that were stored', async () => {
    const flat = { ...gradient(16, 16), data: new Uint8Array(16 * 16 * 3).fill(120) };
    for (const format of ['jpeg', 'gif', 'avif'] as const) {
      const decoded = await decodeImage(await encoded(flat, format));
      for (const value of decoded.data) assert.ok(Math.abs(value - 120) <= 2, `${format}: ${value}`);
    }
  });

  test('turns the picture as EXIF says', async () => {
    // 6: the first row is the right side, the first column the top (EXIF 2.32, orientation)
    const decoded = await decodeImage(await encoded(gradient(20, 10), 'jpeg', { orientation: 6, quality: 100 }));
    assert.deepEqual([decoded.width, decoded.height], [10, 20]);
    const [red, green] = at(decoded, 9, 0);
    assert.ok(red < 30 && green < 30, `the corner that was top left is top right: ${red}, ${green}`);
  });

  test('lays transparent pixels over white', async () => {
    const decoded = await decodeImage(await encoded(gradient(10, 4), 'png', { transparentLeft: true }));
    assert.deepEqual(at(decoded, 1, 2), [255, 255, 255]);
    assert.deepEqual(at(decoded, 8, 2), at(gradient(10, 4), 8, 2));
  });

  test('repeats grey in the three channels, and turns CMYK and 16 bits into sRGB of 8', async () => {
    const grey = await decodeImage(await encoded(gradient(12, 8), 'png', { tint: 'b-w' }));
    assert.equal(grey.data.length, 12 * 8 * 3);
    for (let pixel = 0; pixel < 96; pixel++) assert.equal(new Set(grey.data.subarray(pixel * 3, pixel * 3 + 3)).size, 1);
    const cmyk = await examineImage(await encoded(gradient(12, 8), 'jpeg', { tint: 'cmyk' }));
    assert.equal(cmyk.header.channels, 4);
    assert.equal(cmyk.raster?.data.length, 12 * 8 * 3);
    const deep = await decodeImage(await encoded(gradient(12, 8), 'png', { deep: true }));
    assert.ok(Math.max(...deep.data.map((value, index) => Math.abs(value - gradient(12, 8).data[index]))) <= 1);
  });

  test('says that a JPEG is cut off, wherever it was cut', async () => {
    const whole = photo('shirt');
    assert.equal((await examineImage(whole)).problem, undefined);
    for (const length of [whole.length - 2, Math.floor(whole.length * 0.9), Math.floor(whole.length / 2)]) {
      const { problem, raster } = await examineImage(whole.subarray(0, length));
      assert.equal(problem, 'truncated', `${length} of ${whole.length} bytes`);
      assert.equal(raster, undefined);
    }
    await assert.rejects(
      decodeImage(whole.subarray(0, 3000)),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && /the jpeg data end too early/.test(error.message),
    );
  });

  test('says that PNG, WebP, GIF and TIFF are cut off', async () => {
    for (const format of ['png', 'webp', 'gif', 'tiff'] as const) {
      const whole = await encoded(gradient(40, 40), format);
      const { problem, error } = await examineImage(whole.subarray(0, Math.floor(whole.length * 0.8)));
      assert.ok(problem === 'truncated' || problem === 'unreadable', `${format}: ${problem}, ${error}`);
    }
  });

  test('says the same of broken images when it works on many at once', async () => {
    const png = await encoded(gradient(40, 40), 'png');
    const hurt = photo('hat');
    hurt.set([0xff, 0xd3], 2500);
    const broken = [photo('shirt').subarray(0, 3000), hurt, png.subarray(0, 60), Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 9, 9])];
    const told = async (bytes: Uint8Array): Promise<string> => {
      const { problem, error } = await examineImage(bytes);
      return `${problem}: ${error}`;
    };
    const alone: string[] = [];
    for (const bytes of broken) alone.push(await told(bytes));
    const together = await Promise.all(Array.from({ length: 200 }, (_, index) => told(broken[index % broken.length])));
    for (const [index, found] of together.entries()) assert.equal(found, alone[index % broken.length]);
  });

  test('gives the pixels of a damaged JPEG with the decoder’s complaint', async () => {
    const bytes = photo('hat');
    // a restart marker where none belongs (ITU-T T.81, B.2.1)
    bytes.set([0xff, 0xd3], 2500);
    const { problem, error, raster } = await examineImage(bytes);
    assert.equal(problem, 'damaged');
    assert.match(error ?? '', /complains of the jpeg data/);
    assert.equal(raster?.width, 128);
  });

  test('refuses what is no image, what is empty, and what it has no decoder for, by name', async () => {
    assert.equal((await examineImage(new Uint8Array())).problem, 'empty');
    assert.match((await examineImage(new TextEncoder().encode('path,label\na,b\n'))).error ?? '', /no image that is known/);
    const svg = await examineImage(
      new TextEncoder().encode('<?xml version="1.0"?><svg xmlns="x"><image href="file:///etc/passwd"/></svg>'),
    );
    assert.equal(svg.problem, 'unsupported');
    assert.match(svg.error ?? '', /svg is not decoded/);
    const bmp = new Uint8Array(60);
    bmp.set([0x42, 0x4d]);
    bmp[14] = 40;
    assert.match((await examineImage(bmp)).error ?? '', /bmp is not decoded; jpeg, png/);
  });

  test('does not inflate a decompression bomb: its header says how large it is', async () => {
    // 30,000 x 30,000 in some hundred bytes: the header of a PNG without its pixels
    const bomb = await encoded({ width: 1, height: 1, channels: 3, data: new Uint8Array(3) }, 'png');
    const view = new DataView(bomb.buffer);
    view.setUint32(16, 30_000);
    view.setUint32(20, 30_000);
    const { crc32 } = await import('node:zlib');
    view.setUint32(29, crc32(bomb.subarray(12, 29)));
    const { problem, error } = await examineImage(bomb);
    assert.equal(problem, 'too_large');
    assert.match(error ?? '', /30000 x 30000 pixels/);
    await assert.rejects(decodeImage(bomb), (thrown) => hasCode(thrown, 'RESOURCE_EXHAUSTED'));
  });

  test('keeps to limits of bytes and pixels that the caller sets', async () => {
    const bytes = await encoded(gradient(40, 30), 'png');
    assert.equal((await examineImage(bytes, { pixels: 1199 })).problem, 'too_large');
    assert.equal((await examineImage(bytes, { pixels: 1200 })).problem, undefined);
    assert.equal((await examineImage(bytes, { bytes: bytes.length - 1 })).problem, 'too_large');
  });
});

describe('decode and resize as one versioned function', () => {
  test('give the same bytes as when this version was named', async () => {
    // A difference here means other pixels for the models that were trained: give the function a new name, do not change the digests.
    assert.equal(imageFunction, 'image/1');
    const digests: Record<string, string> = {};
    for (const name of ['hat', 'shirt', 'shoes'] as const) {
      const raster = await decodeImage(photo(name));
      digests[name] = sha256(raster.data);
      digests[`${name} 64x64`] = sha256(resizeRaster(raster, { width: 64, height: 64 }).data);
      digests[`${name} 224x160`] = sha256(resizeRaster(raster, { width: 224, height: 160 }).data);
    }
    assert.deepEqual(digests, {
      hat: '70b83a80ff20830e450b2442a841e6e6cc9ed1bd7b2393936b1a0b5d9c6c0d2e',
      'hat 64x64': '4182d8f04b468ef526ab57e442171ded12cbc6853597bf2758b7b0384396ab72',
      'hat 224x160': 'd829d4fb257804a0ba00515310197d1340a79a25b15d3abbc562c9267fa76899',
      shirt: '669fc6a15d3dbbafbd4901af4a039def2a72e293e8e384ae4617404f80d72c9b',
      'shirt 64x64': '220eb1cfd9ab7e41d44fba1d38cdcc30f597b1066305326ca7280244b8c28b78',
      'shirt 224x160': '52bc294380e755b30afb8d146ef924013996141cc07e80ef03dda8ce29c30f23',
      shoes: '5f5b7fe926f300e3c73cd6cb9beb7e6e9dc5282be4722e604dda25997deb3c56',
      'shoes 64x64': '34877076484a84dc43841340bce7afaf4121e0e9140e7c7cd05b5237c7477b20',
      'shoes 224x160': '04f794e1658c38b0029faedf3cdc4bd9cb442c7510f0d8b6c905f76e4da24905',
    });
  });
});
