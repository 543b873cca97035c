import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { extent, linear, linePath, thinned, tickDecimals, ticks } from './scale.ts';

describe('scales', () => {
  test('map a domain to pixels, and an empty domain to the middle', () => {
    const scale = linear([0, 10], [100, 200]);
    assert.equal(scale(0), 100);
    assert.equal(scale(5), 150);
    assert.equal(linear([3, 3], [0, 10])(3), 5);
  });

  test('have ticks at steps of 1, 2 or 5', () => {
    assert.deepEqual(ticks([0, 1], 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
    assert.deepEqual(ticks([0.31, 0.93], 4), [0.4, 0.6, 0.8]);
    assert.deepEqual(ticks([-7, 23], 3), [0, 10, 20]);
    assert.deepEqual(ticks([2, 2]), [2]);
  });

  test('show as many decimals as the ticks need', () => {
    assert.equal(tickDecimals([0, 0.5, 1]), 1);
    assert.equal(tickDecimals([0, 50]), 0);
    assert.equal(tickDecimals([0.25, 0.5]), 2);
  });

  test('ignore what is missing', () => {
    assert.deepEqual(extent([null, 3, Number.NaN, 1, undefined]), [1, 3]);
    assert.equal(extent([null]), undefined);
  });
});

describe('lines', () => {
  test('break where a value is missing', () => {
    assert.equal(
      linePath([
        [0, 1],
        [1, null],
        [2, 3],
        [3, 4],
      ]),
      'M0.0 1.0M2.0 3.0L3.0 4.0',
    );
  });

  test('are thinned to so many points with their least and greatest values kept', () => {
    const values = Array.from({ length: 100_000 }, (_, index) => Math.sin(index / 50));
    values[70_001] = 9;
    values[12_345] = -9;
    const kept = thinned(values, 2000);
    assert.ok(kept.length <= 2000);
    assert.ok(kept.includes(70_001) && kept.includes(12_345));
    assert.deepEqual(
      [...kept],
      [...kept].sort((a, b) => a - b),
    );
    assert.deepEqual(thinned([1, 2, 3], 10), [0, 1, 2]);
  });
});
