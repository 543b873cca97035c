import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { boxFigures } from './box-figures.ts';

describe('figures of groups for boxes', () => {
  test('have quartiles, whiskers that stop before what lies far out, and groups in the order of numbers', () => {
    const values = [1, 2, 3, 4, 100].map((value) => ({ group: '10', value }));
    const [two, ten] = boxFigures([...values, { group: '2', value: 5 }, { group: '2', value: Number.NaN }]);
    assert.deepEqual(two, { group: '2', values: [5], mean: 5, deviation: 0, lower: 5, median: 5, upper: 5, low: 5, high: 5 });
    assert.ok(ten !== undefined);
    assert.deepEqual([ten.lower, ten.median, ten.upper, ten.low, ten.high, ten.mean], [2, 3, 4, 1, 4, 22]);
    // numpy.std([1, 2, 3, 4, 100], ddof=1)
    assert.ok(Math.abs(ten.deviation - 43.61765697512878) < 1e-12);
  });
});
