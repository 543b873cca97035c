import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { resizeRaster } from './resize.ts';
import { gradient } from './testing.ts';

describe('resizing a raster', () => {
  test('to its own size changes nothing', () => {
    const picture = gradient(9, 7);
    assert.deepEqual(resizeRaster(picture, { width: 9, height: 7 }), picture);
  });

  test('averages over all that a pixel covers when it shrinks', () => {
    // stripes of 0 and 255, two pixels each: a picture of half the size that only took every second pixel would keep them black and white
    const data = Uint8Array.from({ length: 16 * 4 }, (_, at) => (at % 2 === 0 ? 0 : 255));
    const { data: small } = resizeRaster({ width: 16, height: 4, channels: 1, data }, { width: 4, height: 1, fit: 'stretch' });
    // a kernel that is cut off at the edge sees one stripe more of one colour
    for (const value of small) assert.ok(Math.abs(value - 127.5) < 12, `${[...small]}`);
  });

  test('keeps one colour as it is, by either kernel, larger and smaller', () => {
    const data = new Uint8Array(13 * 11 * 3).fill(201);
    for (const kernel of ['bilinear', 'lanczos'] as const)
      for (const side of [1, 5, 40]) {
        const resized = resizeRaster({ width: 13, height: 11, channels: 3, data }, { width: side, height: side, kernel });
        assert.deepEqual(new Set(resized.data), new Set([201]));
      }
  });

  test('covers the target by cutting the middle out, or stretches the whole', () => {
    // left third black, middle third grey, right third white
    const data = Uint8Array.from({ length: 30 * 10 }, (_, at) => [0, 128, 255][Math.floor((at % 30) / 10)]);
    const wide = { width: 30, height: 10, channels: 1, data } as const;
    const [first, , , last] = resizeRaster(wide, { width: 4, height: 4 }).data;
    assert.ok(first > 90 && last < 165, `${first}, ${last}: of the middle third only`);
    const stretched = resizeRaster(wide, { width: 3, height: 1, fit: 'stretch' }).data;
    assert.ok(stretched[0] < 40 && stretched[2] > 215, `${[...stretched]}`);
  });

  test('is refused for sides that are no whole number from 1 on', () => {
    for (const side of [0, -1, 1.5, Number.NaN])
      assert.throws(
        () => resizeRaster(gradient(4, 4), { width: side, height: 4 }),
        (error) => hasCode(error, 'INVALID_ARGUMENT'),
      );
  });
});
