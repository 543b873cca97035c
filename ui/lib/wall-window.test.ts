import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { columnsOf, wallAt } from './wall-window.ts';

const at = (scrollTop: number, total = 100_000, columns = 8) => wallAt({ total, columns, rowPx: 180, heightPx: 720, scrollTop });

describe('the window of a wall of pictures', () => {
  test('holds as many columns as fit, and never none', () => {
    assert.deepEqual([columnsOf(1000, 128, 8), columnsOf(264, 128, 8), columnsOf(50, 128, 8)], [7, 2, 1]);
  });

  test('draws what is in sight and a row above and below, at its place', () => {
    const start = at(0);
    assert.deepEqual([start.first, start.last, start.seenFirst, start.seen, start.topPx], [0, 40, 0, 32, 0]);
    const later = at(1890);
    assert.deepEqual([later.seenFirst, later.first, later.topPx, later.last], [80, 72, 1620, 128]);
  });

  test('ends with the last picture, in a row that may be short', () => {
    const end = at(Number.MAX_SAFE_INTEGER, 100_003);
    assert.equal(end.last, 100_003);
    assert.equal(end.seenFirst + end.seen, 100_003);
  });

  test('is scrolled only to what is not in sight', () => {
    const { scrollTopFor } = at(1800);
    assert.deepEqual([scrollTopFor(11), scrollTopFor(9), scrollTopFor(14)], [undefined, 1620, 1980]);
  });

  test('reaches every picture of a wall that is taller than browsers draw', () => {
    const total = 5_000_000;
    const place = at(0, total);
    assert.equal(place.tallPx, 12_000_000);
    for (const row of [0, 1, 312_345, 624_999]) {
      const top = at(0, total).scrollTopFor(row) ?? 0;
      const there = at(top, total);
      assert.ok(there.seenFirst <= row * 8 && row * 8 < there.seenFirst + there.seen, String(row));
    }
  });
});
