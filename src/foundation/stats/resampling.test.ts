import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { bootstrapMetric, pairedBootstrap } from './bootstrap.ts';
import { fairnessByGroup } from './fairness.ts';
import { entropy, mean, midranks, pearson, spearman, variance } from './moments.ts';
import { wilsonInterval } from './proportions.ts';
import { median, numericSketch, quantile } from './quantiles.ts';

function close(actual: number | null, expected: number, tolerance = 1e-12): void {
  assert.ok(actual !== null && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

/** Binary rows whose scores are better the greater the signal. */
function rows(count: number, signal: number, seed: number) {
  const random = seeded(seed);
  const truth = Float64Array.from({ length: count }, () => random.int(2));
  const noise = Float64Array.from(truth, () => random.normal());
  return { truth, scores: truth.map((value, i) => 1 / (1 + Math.exp(-(signal * (value - 0.5) + noise[i])))), random };
}

describe('the bootstrap', () => {
  test('covers the true value about as often as it says', () => {
    let covered = 0;
    const rounds = 200;
    // AUC of two unit normals a distance 1 apart: Phi(1 / sqrt 2).
    const trueAuc = 0.7602499389;
    for (let round = 0; round < rounds; round++) {
      const { truth, scores, random } = rows(150, 1, round);
      const { low, high } = bootstrapMetric('roc_auc', 'binary', truth, scores, { random, resamples: 200, confidence: 0.9 });
      if (low <= trueAuc && trueAuc <= high) covered++;
    }
    // 180 expected, fewer at this size by the nature of percentiles; a binomial(200, 0.88) leaves 159 … 190 once in a thousand.
    assert.ok(covered >= 159 && covered <= 192, `${covered} of ${rounds}`);
  });

  test('of a paired difference is narrower than that of each side, and finds the better model', () => {
    const { truth, scores: challenger, random } = rows(1000, 1.5, 1);
    const champion = challenger.map((score) => Math.min(1, Math.max(0, score + 0.12 * random.normal())));
    const difference = pairedBootstrap('roc_auc', 'binary', truth, champion, challenger, { random: seeded(2) });
    const single = bootstrapMetric('roc_auc', 'binary', truth, challenger, { random: seeded(2) });
    assert.ok(difference.low > 0 && difference.greaterShare > 0.99);
    assert.ok(difference.high - difference.low < single.high - single.low);
    close(difference.value, difference.challenger - difference.champion);
  });

  test('is the same for the same seed, for every kind of metric', () => {
    const { truth, scores } = rows(100, 1, 3);
    for (const metric of ['accuracy', 'f1', 'pr_auc', 'log_loss', 'ece'] as const) {
      const run = () => bootstrapMetric(metric, 'binary', truth, scores, { random: seeded(4), resamples: 50 });
      assert.deepEqual(run(), run());
      const { low, value, high } = run();
      assert.ok(low <= value + 0.05 && value - 0.05 <= high);
    }
  });

  test('leaves out resamples of one class and refuses rows of one class', () => {
    const { resamples } = bootstrapMetric('roc_auc', 'binary', [0, 1, 1], [0.1, 0.5, 0.6], { random: seeded(5), resamples: 200 });
    assert.ok(resamples > 50 && resamples < 200);
    assert.throws(() => bootstrapMetric('roc_auc', 'binary', [1, 1], [0.1, 0.5], { random: seeded(5) }), { code: 'INVALID_ARGUMENT' });
  });
});

describe('an interval of a proportion', () => {
  test("is Wilson's, and stays inside 0 … 1", () => {
    // statsmodels' proportion_confint(81, 263, method='wilson'), the example of Newcombe (1998): 0.2553 to 0.3662.
    const { low, high } = wilsonInterval(81, 263);
    close(low, 0.2553, 5e-5);
    close(high, 0.3662, 5e-5);
    assert.equal(wilsonInterval(0, 10).low, 0);
    assert.equal(wilsonInterval(10, 10).high, 1);
    assert.throws(() => wilsonInterval(2, 1), { code: 'INVALID_ARGUMENT' });
  });
});

describe('descriptions of columns', () => {
  test('are those worked out by hand, with missing values left out', () => {
    close(mean([1, NaN, 3]), 2);
    close(variance([2, 4, 4, 4, 5, 5, 7, 9], 'population'), 4);
    // Far from zero, where the naive sum of squares would lose everything.
    close(variance([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]), 30);
    close(entropy([1, 1, 0, 2]), 1.5 * Math.LN2);
    close(pearson([1, 2, 3], [2, 4, 6.5]), 4.5 / Math.sqrt(2 * (61 / 6)));
    close(spearman([1, 2, 3, NaN], [1, 100, 1000, 0]), 1);
    assert.ok(Number.isNaN(pearson([1, 1], [1, 2])));
    assert.deepEqual([...midranks([10, 20, 10, 30])], [1.5, 3, 1.5, 4]);
  });

  test('quantiles interpolate as type 7', () => {
    close(median([3, 1, 2, 4]), 2.5);
    close(quantile([1, 2, 3, 4, 5], 0.1), 1.4);
    assert.ok(Number.isNaN(quantile([], 0.5)));
    const sketch = numericSketch([4, NaN, 1, 3, 2], 4);
    assert.deepEqual(sketch.quantiles, [1, 2, 3, 4]);
    assert.equal(sketch.missing, 1);
    close(sketch.standardDeviation, Math.sqrt(5 / 3));
    assert.deepEqual(numericSketch([]), { count: 0, missing: 0, mean: null, standardDeviation: null, quantiles: [] });
  });
});

describe('fairness by group', () => {
  test('gives rates and the greatest differences', () => {
    const truth = [1, 1, 0, 0, 1, 1, 0, 0];
    const predicted = [1, 1, 1, 0, 1, 0, 0, 0];
    const groups = ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b'];
    const report = fairnessByGroup(truth, predicted, groups);
    close(report.demographicParityDifference, 0.5);
    close(report.equalOpportunityDifference, 0.5);
    close(report.equalizedOddsDifference, 0.5);
    assert.deepEqual(report.groups[1], {
      group: 'b',
      rows: 4,
      positives: 2,
      selectionRate: 0.25,
      truePositiveRate: 0.5,
      falsePositiveRate: 0,
    });
  });

  test('does not compare a group without positive rows, nor one with too few rows', () => {
    assert.equal(fairnessByGroup([1, 0], [1, 0], ['a', 'b']).equalOpportunityDifference, null);
    assert.equal(fairnessByGroup([1, 1, 1], [1, 1, 0], ['a', 'a', 'b'], 2).demographicParityDifference, 0);
    assert.throws(() => fairnessByGroup([], [], []), { code: 'INVALID_ARGUMENT' });
  });
});
