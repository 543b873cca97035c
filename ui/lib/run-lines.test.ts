import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cutTo, grouped, inPlaces, linesOf, overMetric, positiveOnly, smoothed } from './run-lines.ts';

const answer = {
  x: [0, 5, 10],
  series: [
    { run: 'a', at: [0, 1, 2], mean: [1, 2, 3] },
    { run: 'b', at: [0, 2], mean: [5, 7], min: [4, 6], max: [6, 8] },
  ],
};

describe('lines of runs', () => {
  test('stand on the places of their figure, with gaps where a run has no value', () => {
    assert.deepEqual(linesOf(answer).lines, [
      { id: 'a', values: [1, 2, 3] },
      { id: 'b', values: [5, null, 7], low: [4, null, 6], high: [6, null, 8] },
    ]);
  });

  test('over another metric stand where that metric was, in its order', () => {
    const axis = [{ run: 'a', at: [0, 2], mean: [0.9, 0.1] }];
    assert.deepEqual(overMetric(linesOf(answer), axis), {
      x: [0.1, 0.9],
      lines: [
        { id: 'a', values: [3, 1] },
        { id: 'b', values: [null, null] },
      ],
    });
  });

  test('over a metric that comes to the same value again have the mean there, and a band', () => {
    const lines = linesOf({ x: [0, 1, 2], series: [{ run: 'a', at: [0, 1, 2], mean: [1, 5, 3] }] });
    assert.deepEqual(overMetric(lines, [{ run: 'a', at: [0, 1, 2], mean: [40, 50, 40] }]), {
      x: [40, 50],
      lines: [{ id: 'a', values: [2, 5], low: [1, 5], high: [3, 5] }],
    });
  });

  test('smoothed begin at their first value and stay constant where the metric does', () => {
    assert.deepEqual(
      smoothed([4, null, 4, 4], 0.9).map((value) => (value === null ? null : Math.round(value * 1e9) / 1e9)),
      [4, null, 4, 4],
    );
    const [, second] = smoothed([0, 1], 0.5);
    // (0.25 * 0 + 0.5 * 1) / 0.75
    assert.ok(Math.abs((second ?? 0) - 2 / 3) < 1e-12);
    assert.deepEqual(smoothed([1, 2], 0), [1, 2]);
  });

  test('of a group become its mean, with the least and the greatest as a band', () => {
    assert.deepEqual(grouped(linesOf(answer), () => 'all').lines, [{ id: 'all', values: [3, 2, 5], low: [1, 2, 3], high: [6, 2, 8] }]);
  });

  test('are cut to a part of the axis, and brought into places that they share', () => {
    assert.deepEqual(cutTo(linesOf(answer), 5, undefined).x, [5, 10]);
    const scattered = { x: [0, 1, 9, 10], lines: [{ id: 'a', values: [1, 3, null, 7] }] };
    assert.deepEqual(inPlaces(scattered, 2), { x: [2.5, 7.5], lines: [{ id: 'a', values: [2, 7], low: [1, 7], high: [3, 7] }] });
    assert.deepEqual(inPlaces({ x: [4], lines: [] }, 2).x, [4]);
  });

  test('on logarithmic axes leave out what these cannot show', () => {
    const lines = linesOf({ x: [0, 1, 2], series: [{ run: 'a', at: [0, 1, 2], mean: [3, -1, 4] }] });
    assert.deepEqual(positiveOnly(lines, { x: true, y: true }), { x: [1, 2], lines: [{ id: 'a', values: [null, 4] }] });
    assert.deepEqual(positiveOnly(lines, { x: false, y: false }), lines);
  });
});
