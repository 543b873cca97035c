import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { chiSquaredTest } from './chi-squared.ts';
import { hellingerDistance, jensenShannonDistance, populationStabilityIndex, totalVariation, wassersteinDistance } from './distances.ts';
import { driftTest } from './drift.ts';
import type { DriftSample, DriftStatistic } from './drift.ts';
import { countCategories, histogramOf, quantileBinEdges } from './histogram.ts';
import { ksPValue, ksTwoSample } from './kolmogorov-smirnov.ts';
import { kolmogorovCritical, kolmogorovSurvival } from './kolmogorov.ts';
import { benjaminiHochberg } from './multiple-testing.ts';
import { sorted } from './quantiles.ts';
import { chiSquaredSurvival, logGamma, normalQuantile } from './special.ts';

function close(actual: number, expected: number, tolerance = 1e-12): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);
}

describe('the Kolmogorov-Smirnov test', () => {
  test('has the exact p-value of small samples, counted over all ways to deal the values', () => {
    for (const [n, m] of [
      [3, 4],
      [5, 5],
      [2, 7],
    ]) {
      const distances: number[] = [];
      for (let mask = 0; mask < 1 << (n + m); mask++) {
        const a: number[] = [];
        const b: number[] = [];
        for (let i = 0; i < n + m; i++) ((mask >> i) & 1 ? a : b).push(i);
        if (a.length === n) distances.push(ksTwoSample(Float64Array.from(a), Float64Array.from(b)).statistic);
      }
      for (const d of new Set(distances))
        close(ksPValue(d, n, m), distances.filter((other) => other >= d - 1e-9).length / distances.length);
    }
  });

  test("agrees with scipy's exact and finite-n laws", () => {
    // scipy 1.17.1: ks_2samp(method='exact') and kstwo.sf, printed with 15 digits.
    close(ksPValue(0.06, 500, 5000), 0.07330579997750024, 1e-10);
    close(ksPValue(0.2, 50, 50), 0.2719135601522248, 1e-10);
    close(kolmogorovSurvival(1.48 / Math.sqrt(140), 140), 0.0228288665024234, 1e-10);
    close(kolmogorovSurvival(2 / Math.sqrt(5000), 5000), 0.0006576876062563699, 1e-10);
    close(kolmogorovSurvival(1.3 / Math.sqrt(500), 500), 0.06543386037161181, 1e-8);
  });

  test('has the critical distances of scipy, from a sample of three to one of twenty thousand', () => {
    // scipy 1.17.1: kstwo.isf. Where twice the one-sided law stands for the tail, the two differ by a few millionths.
    for (const [tail, n, expected] of [
      [0.9, 3, 0.2943849053989255],
      [0.05, 10, 0.4092460847775048],
      [0.01, 140, 0.1361953907840598],
      [0.01, 155, 0.1295100689546224],
      [1e-6, 1000, 0.08494641956334534],
      [0.2, 20_000, 0.0075771475890071],
    ]) {
      const critical = kolmogorovCritical(tail, n);
      assert.ok(Math.abs(critical / expected - 1) < 5e-6, `${tail}, ${n}: ${critical} is not ${expected}`);
      const beside = [0.999999, 1.000001].map((factor) => kolmogorovSurvival(critical * factor, n));
      assert.ok(beside[0] > tail && beside[1] < tail, `${tail}, ${n}: ${beside.join(' and ')} lie on one side`);
    }
  });

  test('counts ties once and refuses an empty side', () => {
    close(ksTwoSample(Float64Array.of(1, 1, 2), Float64Array.of(1, 2, 2)).statistic, 1 / 3);
    assert.throws(() => ksTwoSample(Float64Array.of(), Float64Array.of(1)), { code: 'INVALID_ARGUMENT' });
  });
});

describe('distances of histograms and samples', () => {
  test('are those worked out by hand', () => {
    close(totalVariation([1, 1], [3, 1]), 0.25);
    close(hellingerDistance([1, 0], [0, 1]), 1);
    close(jensenShannonDistance([1, 0], [0, 1]), Math.sqrt(Math.LN2));
    close(wassersteinDistance([0, 1, 3], [5, 6, 8]), 5);
    close(wassersteinDistance([0, 1], [0, 0.5, 1]), 1 / 6);
    // Smoothed shares: (10.5, 20.5) / 31 and (20.5, 10.5) / 31.
    close(populationStabilityIndex([10, 20], [20, 10]), 2 * (10 / 31) * Math.log(20.5 / 10.5));
    close(populationStabilityIndex([5, 0], [5, 0]), 0);
    const { statistic, degreesOfFreedom } = chiSquaredTest([10, 20, 0], [20, 10, 0]);
    close(statistic, 60 / 9);
    assert.equal(degreesOfFreedom, 1);
  });

  test('refuse different bins and empty histograms', () => {
    assert.throws(() => totalVariation([1], [1, 2]), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => jensenShannonDistance([0, 0], [1, 2]), { code: 'INVALID_ARGUMENT' });
  });

  test('quantile bins split the reference evenly, and merge where one value fills several', () => {
    const values = Float64Array.from({ length: 1000 }, (_, i) => i);
    assert.ok(histogramOf(values, quantileBinEdges(values, 10)).every((count) => count === 100));
    const heavy = sorted([...Array.from({ length: 90 }, () => 0), ...Array.from({ length: 10 }, (_, i) => i + 1)]);
    assert.deepEqual([...histogramOf(heavy, quantileBinEdges(heavy, 4))], [90, 10]);
    assert.deepEqual([...histogramOf([NaN, -Infinity, 5, Infinity], [0, 5])], [1, 1, 1]);
  });
});

describe('the laws behind the tests', () => {
  test('take known values', () => {
    close(logGamma(0.5), Math.log(Math.PI) / 2);
    close(logGamma(11), Math.log(3628800));
    close(chiSquaredSurvival(3.841458820694124, 1), 0.05, 1e-10);
    close(chiSquaredSurvival(300, 200), 5.5e-6, 1e-5);
    close(chiSquaredSurvival(7, 2), Math.exp(-3.5));
    close(normalQuantile(0.975), 1.959963984540054, 1e-10);
  });
});

describe('a drift verdict', () => {
  const numeric = (values: ArrayLike<number>): DriftSample => ({ kind: 'numeric', values });
  const categorical = (values: string[]): DriftSample => ({ kind: 'categorical', counts: countCategories(values) });
  const numericStatistics: DriftStatistic[] = ['ks', 'psi', 'jensen_shannon', 'hellinger', 'chi_squared', 'wasserstein', 'total_variation'];

  for (const statistic of numericStatistics)
    test(`by ${statistic} alarms about as rarely as asked when nothing has changed, whatever the rows`, () => {
      const random = seeded(7);
      let alarms = 0;
      const rounds = 150;
      for (let round = 0; round < rounds; round++) {
        const reference = Float64Array.from({ length: 400 }, () => random.normal());
        const current = Float64Array.from({ length: 60 }, () => random.normal());
        if (driftTest(numeric(reference), numeric(current), { statistic, alpha: 0.1, permutations: 99, seed: round }).drifted) alarms++;
      }
      // 15 expected; a binomial(150, 0.1) leaves 4 … 28 once in a thousand.
      assert.ok(alarms >= 4 && alarms <= 28, `${alarms} alarms in ${rounds}`);
    });

  for (const statistic of ['chi_squared', 'psi', 'jensen_shannon'] as const)
    test(`by ${statistic} keeps its false alarms with 500 categories and few rows, where fixed thresholds always alarm`, () => {
      const random = seeded(8);
      const draw = (rows: number): string[] => Array.from({ length: rows }, () => `c${Math.floor(500 * random.next() ** 2)}`);
      let alarms = 0;
      let fixed = 0;
      for (let round = 0; round < 200; round++) {
        const reference = draw(3000);
        const current = draw(200);
        const result = driftTest(categorical(reference), categorical(current), { statistic, alpha: 0.05 });
        if (result.drifted) alarms++;
        if (result.effect.value > 0.1) fixed++;
      }
      assert.ok(alarms <= 24, `${alarms} alarms in 200`);
      assert.equal(fixed, 200);
    });

  test('sees a small real shift in many rows, and says how large it is', () => {
    const random = seeded(9);
    const reference = Float64Array.from({ length: 5000 }, () => 10 + 2 * random.normal());
    const current = Float64Array.from({ length: 5000 }, () => 10.3 + 2 * random.normal());
    const result = driftTest(numeric(reference), numeric(current));
    assert.ok(result.drifted && result.value > result.threshold);
    assert.ok(Math.abs(result.effect.value - 0.15) < 0.05);
    assert.ok(!driftTest(numeric(reference), numeric(current), { minimumEffect: 0.5 }).drifted);
  });

  test('sees a new category', () => {
    const reference = categorical(Array.from({ length: 900 }, (_, i) => ['a', 'b', 'c'][i % 3]));
    const current = categorical(Array.from({ length: 100 }, (_, i) => ['a', 'b', 'd'][i % 3]));
    assert.ok(driftTest(reference, current).drifted);
  });

  test('leaves missing values out and reports their share', () => {
    const result = driftTest(numeric([1, 2, NaN, 4]), numeric([NaN, NaN, 2, 3]));
    assert.deepEqual(result.missing, { reference: 0.25, current: 0.5 });
    assert.equal(result.currentRows, 2);
    assert.throws(() => driftTest(numeric([NaN]), numeric([1])), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => driftTest(numeric([1]), categorical(['a'])), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => driftTest(categorical(['a']), categorical(['a']), { statistic: 'ks' }), {
      code: 'INVALID_ARGUMENT',
      message: /needs numbers/,
    });
  });

  test('constant columns have not drifted until they change', () => {
    const ones = numeric(new Float64Array(50).fill(1));
    assert.ok(!driftTest(ones, ones).drifted);
    assert.ok(driftTest(ones, numeric(new Float64Array(50).fill(2))).drifted);
  });

  test('corrects for many columns as in the worked example of Benjamini and Hochberg (1995)', () => {
    const p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1];
    assert.equal(benjaminiHochberg(p).filter((value) => value <= 0.05).length, 4);
    close(benjaminiHochberg([0.03, 0.01])[1], 0.02);
  });
});
