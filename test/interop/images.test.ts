import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { sha256 } from '#core';
import { contactSheet, decodeImage, nearBits, nearGroups, perceptualHash, resizeRaster, thumbnail, toLuma } from '#images';
import { pythonMissing, runPython } from './python.ts';

interface Peer {
  readonly size: readonly [number, number];
  readonly pixels: string;
  readonly luma: string;
  readonly resized: Readonly<Record<string, string>>;
  readonly covered: string;
  readonly phash: string;
}

const photos = ['hat', 'shirt', 'shoes'].map((name) =>
  readFileSync(resolve(import.meta.dirname, `../../src/foundation/images/fixtures/${name}.jpg`)),
);
const sizes = { small: [32, 32], wide: [97, 41], large: [200, 300], across: [60, 128], down: [128, 17] } as const;

describe('pixels, compared with Pillow and imagehash', { skip: pythonMissing }, () => {
  test('decoding, luma, resizing by either kernel and the perceptual hash are the same, byte for byte', async () => {
    const peers = await runPython<readonly Peer[]>('images_peer.py', { images: photos.map((bytes) => bytes.toString('base64')), sizes });
    for (const [index, peer] of peers.entries()) {
      const raster = await decodeImage(photos[index]);
      assert.deepEqual([raster.width, raster.height], peer.size);
      assert.equal(sha256(raster.data), peer.pixels, 'pixels');
      assert.equal(sha256(toLuma(raster).data), peer.luma, 'luma');
      for (const [name, [width, height]] of Object.entries(sizes))
        for (const kernel of ['bilinear', 'lanczos'] as const) {
          const ours = resizeRaster(raster, { width, height, kernel, fit: 'stretch' });
          assert.equal(sha256(ours.data), peer.resized[`${name} ${kernel}`], `${name} ${kernel}`);
        }
      const wide = resizeRaster(raster, { width: 128, height: 80, fit: 'stretch' });
      assert.equal(sha256(resizeRaster(wide, { width: 50, height: 50 }).data), peer.covered, 'the middle of a wide picture');
      assert.equal(perceptualHash(raster), peer.phash);
    }
  });

  test('near duplicates are grouped as imagehash measures their distances', async () => {
    const sides = [40, 56, 64, 72, 88, 96, 104, 112, 120, 128];
    const near = (await Promise.all(photos.map((bytes) => Promise.all(sides.map((side) => thumbnail(bytes, side)))))).flat();
    // each also with one half of another beside it, so that some are near and some are not
    const mixed = await Promise.all(
      sides.map((columns, index) =>
        contactSheet({
          title: '',
          columns: (columns % 3) + 1,
          size: 64,
          cells: near.slice(index, index + 3).map((bytes) => ({ bytes, lines: [] })),
        }),
      ),
    );
    const all = [...near, ...mixed];
    const hashes = await Promise.all(all.map(async (bytes) => perceptualHash(await decodeImage(bytes))));
    const groups = await runPython<number[][]>('images_peer.py', {
      near: all.map((bytes) => Buffer.from(bytes).toString('base64')),
      bits: nearBits,
    });
    assert.deepEqual(nearGroups(hashes), groups);
    assert.ok(groups.length >= 3 && groups.flat().length < all.length);
  });
});
