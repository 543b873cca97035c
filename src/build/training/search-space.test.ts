import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SearchSpec } from '#contract';
import { planTrials } from './search-space.ts';

const random = (trials: number, space: SearchSpec['space']): SearchSpec => ({ algorithm: 'random', trials, space });

describe('planning the trials of a study', () => {
  test('is one trial with defaults filled in when there is no search', () => {
    const [only, ...others] = planTrials('logistic', { l2: 3 }, undefined, 7);
    assert.equal(others.length, 0);
    assert.deepEqual(only.params, { l2: 3, max_iterations: 500 });
  });

  test('crosses the lists of a grid, in the order of the axes’ names', () => {
    const grid: SearchSpec = { algorithm: 'grid', space: { max_leaves: { integer: [2, 3] }, l2: [0.1, 1] } };
    const points = planTrials('gbdt', {}, grid, 7).map(({ params }) => [params.l2, params.max_leaves]);
    assert.deepEqual(points, [
      [0.1, 2],
      [0.1, 3],
      [1, 2],
      [1, 3],
    ]);
  });

  test('draws within the ranges, evenly or evenly on the logarithmic scale', () => {
    const space: SearchSpec['space'] = {
      learning_rate: { log: [0.001, 1] },
      subsample: { uniform: [0.5, 1] },
      max_leaves: { integer: [4, 7] },
      l2: [1, 2],
    };
    const trials = planTrials('gbdt', {}, random(2000, space), 1).map(({ params }) => params);
    const share = (holds: (params: (typeof trials)[number]) => boolean): number => trials.filter(holds).length / trials.length;
    assert.ok(trials.every((one) => one.learning_rate >= 0.001 && one.learning_rate <= 1 && one.subsample >= 0.5 && one.subsample <= 1));
    // 2,000 draws: five standard deviations of a share of 1/3 are 0.053, of 1/4 0.048.
    assert.ok(Math.abs(share((one) => one.learning_rate < 0.01) - 1 / 3) < 0.053);
    assert.ok(Math.abs(share((one) => one.subsample < 0.625) - 1 / 4) < 0.048);
    for (const leaves of [4, 5, 6, 7]) assert.ok(Math.abs(share((one) => one.max_leaves === leaves) - 1 / 4) < 0.048);
    assert.ok(Math.abs(share((one) => one.l2 === 1) - 1 / 2) < 0.056);
  });

  test('gives trial k the same values and seed whatever else is planned', () => {
    const space: SearchSpec['space'] = { learning_rate: { log: [0.01, 0.3] }, l2: { log: [0.1, 10] } };
    const turned: SearchSpec['space'] = { l2: { log: [0.1, 10] }, learning_rate: { log: [0.01, 0.3] } };
    const many = planTrials('gbdt', {}, random(20, space), 5);
    assert.deepEqual(planTrials('gbdt', {}, random(3, turned), 5), many.slice(0, 3));
    assert.equal(new Set(many.map(({ seed }) => seed)).size, 20);
    assert.equal(new Set(many.map(({ params }) => params.learning_rate)).size, 20);
    assert.notDeepEqual(planTrials('gbdt', {}, random(3, space), 6), many.slice(0, 3));
  });

  test('rounds draws of whole-number parameters', () => {
    const trials = planTrials('gbdt', {}, random(50, { min_samples_leaf: { log: [5, 100] } }), 2);
    assert.ok(trials.every(({ params }) => Number.isInteger(params.min_samples_leaf)));
  });

  test('says what is wrong with a space', () => {
    const grid =
      (space: SearchSpec['space'], trials?: number): (() => unknown) =>
      () =>
        planTrials('gbdt', {}, { algorithm: 'grid', space, ...(trials === undefined ? {} : { trials }) }, 1);
    assert.throws(grid({ depth: [1] }), /"gbdt" has no parameter "depth" to search over: it has iterations, learning_rate/);
    assert.throws(grid({ l2: { log: [0.1, 1] } }), /a grid needs a list of values for "l2"/);
    assert.throws(grid({ l2: [1, 2, 3] }, 2), /the grid has 3 points, and trials says 2/);
    assert.throws(grid({ l2: ['much'] }), /"l2" of "gbdt" is "much": a number is needed/);
    assert.throws(grid({ subsample: [2] }), /"subsample" of "gbdt" is 2: it must be a number from/);
    assert.throws(() => planTrials('gbdt', {}, random(1, { l2: { log: [0, 1] } }), 1), /it must begin above 0/);
    assert.throws(() => planTrials('gbdt', {}, random(1, { l2: { uniform: [2, 1] } }), 1), /write \[least, greatest\]/);
    const axis = Array.from({ length: 101 }, (_, at) => at / 200 + 0.1);
    assert.throws(grid({ l2: axis, subsample: axis }), /more than 10000 points/);
  });
});
