import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DatasetImage } from '#contract';
import { groupAround, hasPicture, imagesRoute } from './images.ts';

const image = (row: number, more: Partial<DatasetImage> = {}): DatasetImage => ({
  row,
  path: `${row}.jpg`,
  label: 'hat',
  sha256: 'f'.repeat(64),
  format: 'jpeg',
  width: 4,
  height: 3,
  problem: 'none',
  ...more,
});

describe('images on a page', () => {
  test('are asked for by class and check, whatever these are called', () => {
    assert.equal(imagesRoute('abc', { label: 'T-shirt & co', check: undefined }), 'datasets/abc/images?label=T-shirt+%26+co');
  });

  test('have a picture where there are pixels', () => {
    assert.deepEqual(
      ['none', 'truncated: premature end', 'damaged: x', 'unreadable: x', 'missing', 'too_large: y'].map((problem) =>
        hasPicture(image(0, { problem })),
      ),
      [true, true, true, false, false, false],
    );
    assert.equal(hasPicture(image(0, { sha256: null })), false);
  });

  test('of a group stand together', () => {
    const items = [image(0, { group: 0 }), image(4, { group: 0 }), image(7, { group: 1 }), image(8)];
    assert.deepEqual(
      [1, 2, 3, 9].map((at) => groupAround(items, at).map(({ row }) => row)),
      [[0, 4], [7], [8], []],
    );
  });
});
