import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { firstRowAt, pagesOf, rowsThatFit, scrolledHeight, scrollTopOf, tallestPx } from './row-window.ts';

const million = { total: 1_000_000, rowPx: 32, heightPx: 640 };
const few = { total: 100, rowPx: 32, heightPx: 640 };

describe('the window on a long table', () => {
  test('is as high as its rows, up to what browsers draw', () => {
    assert.equal(scrolledHeight(few), 3200);
    assert.equal(scrolledHeight(million), tallestPx);
  });

  test('begins with the first row and ends with the last', () => {
    for (const window of [few, million]) {
      assert.equal(firstRowAt(0, window), 0);
      assert.equal(firstRowAt(scrolledHeight(window) - window.heightPx, window), window.total - 20);
      assert.equal(firstRowAt(Number.MAX_SAFE_INTEGER, window), window.total - 20);
      assert.equal(firstRowAt(-5, window), 0);
    }
  });

  test('every row can be brought to its top, and is then the first one', () => {
    for (const row of [0, 1, 2, 17, 79, 80]) assert.equal(firstRowAt(scrollTopOf(row, few), few), row);
    for (const row of [0, 1, 499_999, 777_777, 999_980]) assert.equal(firstRowAt(scrollTopOf(row, million), million), row);
  });

  test('holds a short table whole', () => {
    const short = { total: 3, rowPx: 32, heightPx: 640 };
    assert.equal(rowsThatFit(short), 3);
    assert.equal(firstRowAt(900, short), 0);
    assert.equal(scrollTopOf(2, short), 0);
  });

  test('asks for the pages that its rows are on', () => {
    assert.deepEqual(pagesOf(0, 20, 200), [0]);
    assert.deepEqual(pagesOf(195, 215, 200), [0, 1]);
    assert.deepEqual(pagesOf(200, 400, 200), [1]);
    assert.deepEqual(pagesOf(0, 0, 200), []);
  });
});
