import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { contactSheet } from './contact-sheet.ts';
import { decodeImage } from './decode.ts';
import { photo } from './testing.ts';

describe('a contact sheet', () => {
  test('shows pictures in rows and columns, groups shaded, an empty frame where there is no picture, and takes any caption as text', async () => {
    const cells = [
      { bytes: photo('hat'), lines: ['hat', 'a/<b> & "c".jpg'], group: 0 },
      { bytes: photo('shirt'), lines: ['shirt'], group: 1 },
      { lines: ['missing', '\u0007bell'] },
    ];
    const sheet = await decodeImage(await contactSheet({ title: 'three <images>', cells, columns: 2, size: 64 }));
    assert.deepEqual([sheet.width, sheet.height], [2 * 72 + 8, 2 * (64 + 30 + 8) + 8 + 36]);
    const at = (x: number, y: number): number[] => [...sheet.data.subarray((y * sheet.width + x) * 3, (y * sheet.width + x) * 3 + 3)];
    assert.deepEqual(at(5, 34), [0xdd, 0xe6, 0xf3], 'the first group is shaded');
    assert.deepEqual(at(78, 34), [255, 255, 255], 'the second is not');
    assert.notDeepEqual(at(40, 68), [255, 255, 255], 'a picture');
    assert.deepEqual(at(20, 36 + 102 + 40), [0xf3, 0xf3, 0xf3], 'an empty frame');
  });
});
