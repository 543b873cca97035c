import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import * as stats from '#stats';
import { pythonMissing, runPython } from './python.ts';

interface Peer {
  readonly binary: Readonly<Record<string, number>>;
  readonly calibration: { readonly rates: readonly number[]; readonly predicted: readonly number[] };
  readonly multiclass: Readonly<Record<string, number>>;
  readonly regression: Readonly<Record<string, number>>;
  readonly samples: readonly {
    readonly ks: number;
    readonly ks_p: number;
    readonly wasserstein: number;
    readonly pearson: number;
    readonly spearman: number;
    readonly quantiles: readonly number[];
    readonly variance: number;
  }[];
  readonly histograms: readonly {
    readonly jensen_shannon: number;
    readonly hellinger: number;
    readonly chi_squared: number;
    readonly chi_squared_p: number;
    readonly entropy: number;
  }[];
  readonly laws: { readonly [law in 'chi_squared' | 'chi_squared_critical' | 'normal' | 'adjusted']: readonly number[] };
  readonly sequences: readonly (readonly [low: number, high: number])[];
}

/** Within a relative tolerance; both sides add in float64, in different orders. */
function close(actual: number | undefined, expected: number, what: string, tolerance = 1e-10): void {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= tolerance * Math.max(1e-3, Math.abs(expected)),
    `${what}: ours ${actual}, theirs ${expected}`,
  );
}

const random = seeded(20);
const list = (length: number, make: (i: number) => number): number[] => Array.from({ length }, (_, i) => make(i));
const rows = 700;
const truth = list(rows, () => random.int(2));
// One decimal, so that many scores tie.
const scores = truth.map((value) => Math.min(1, Math.max(0, Math.round(10 * (0.4 * random.next() + 0.3 * value + 0.15)) / 10 + 0.001)));
const weights = list(rows, () => 0.2 + random.next());
const classes = list(rows, () => random.int(4));
const probabilities = classes.map((own) => {
  const raw = list(4, (k) => 0.1 + random.next() + (k === own ? 0.7 : 0));
  const sum = raw.reduce((a, b) => a + b);
  return raw.map((value) => value / sum);
});
const numbers = list(rows, () => 5 * random.normal());
const predicted = numbers.map((value) => 0.8 * value + random.normal());
const normal = (count: number, shift: number) => list(count, () => shift + random.normal());
const samples = [
  [normal(40, 0), normal(25, 0.5)],
  [normal(500, 0), normal(500, 0.1)],
  [normal(3000, 0), normal(200, 0.05)],
  [normal(12_000, 0), normal(300, 0.1)],
  [list(300, () => random.int(5)), list(200, () => random.int(6))],
];
const histograms = [
  [
    [50, 30, 20],
    [20, 30, 60],
  ],
  [list(40, () => 5 + random.int(50)), list(40, () => 5 + random.int(50))],
];
const laws = {
  chi_squared: [
    [0.5, 1],
    [20, 7],
    [150, 100],
    [1000, 1100],
    [90, 3],
  ],
  normal: [0.001, 0.2, 0.9, 0.999999],
  p: [0.01, 0.5, 0.03, 0.02, 0.9, 0.0001],
};

/** Successes, trials, confidence. */
const sequences = [
  [0, 10, 0.95],
  [3, 50, 0.95],
  [120, 200, 0.99],
  [2, 5000, 0.995],
  [40, 40, 0.99],
] as const;

describe('our statistics give the figures of scikit-learn and scipy', { skip: pythonMissing }, () => {
  test('metrics, weighted, with ties', async () => {
    const peer = await runPython<Peer>('stats_peer.py', {
      binary: { truth, scores, weights, threshold: 0.4 },
      multiclass: { truth: classes, scores: probabilities, weights },
      regression: { truth: numbers, predicted, weights },
      samples,
      histograms,
      laws,
      sequences,
    });
    for (const [task, y, s, threshold] of [
      ['binary', truth, scores, 0.4],
      ['multiclass', classes, probabilities.flat(), 0.5],
      ['regression', numbers, predicted, 0.5],
    ] as const) {
      const reference = peer[task];
      // Calibration error has no counterpart there: its curve is compared below.
      const names = stats.metricsOf(task).filter((name) => name !== 'ece');
      assert.deepEqual(names.toSorted(), Object.keys(reference).toSorted());
      for (const name of names) close(stats.metricEvaluator(name, task, y, s, threshold)(weights), reference[name], `${task} ${name}`);
    }
    const curve = stats.calibrationCurve(truth, scores);
    assert.equal(curve.length, peer.calibration.rates.length);
    curve.forEach((bin, i) => {
      close(bin.positiveRate, peer.calibration.rates[i], `calibration bin ${i}`);
      close(bin.meanScore, peer.calibration.predicted[i], `calibration bin ${i}`);
    });

    samples.forEach(([a, b], i) => {
      const reference = peer.samples[i];
      const ks = stats.ksTwoSample(stats.sorted(a), stats.sorted(b));
      close(ks.statistic, reference.ks, `KS of pair ${i}`);
      close(ks.pValue, reference.ks_p, `p-value of pair ${i}`, 1e-8);
      close(stats.wassersteinDistance(stats.sorted(a), stats.sorted(b)), reference.wasserstein, `Wasserstein of pair ${i}`);
      const n = Math.min(a.length, b.length);
      close(stats.pearson(a.slice(0, n), b.slice(0, n)), reference.pearson, `Pearson of pair ${i}`);
      close(stats.spearman(a.slice(0, n), b.slice(0, n)), reference.spearman, `Spearman of pair ${i}`);
      stats
        .quantilesOfSorted(stats.sorted(a), [0, 0.1, 0.5, 0.77, 1])
        .forEach((value, k) => close(value, reference.quantiles[k], `quantile ${k} of sample ${i}`));
      close(stats.variance(a), reference.variance, `variance of sample ${i}`);
    });

    histograms.forEach(([p, q], i) => {
      const reference = peer.histograms[i];
      close(stats.jensenShannonDistance(p, q), reference.jensen_shannon, `Jensen-Shannon ${i}`);
      close(stats.hellingerDistance(p, q), reference.hellinger, `Hellinger ${i}`);
      const test = stats.chiSquaredTest(p, q);
      close(test.statistic, reference.chi_squared, `chi-squared ${i}`);
      close(test.pValue, reference.chi_squared_p, `p-value of chi-squared ${i}`);
      close(stats.entropy(p), reference.entropy, `entropy ${i}`);
    });

    laws.chi_squared.forEach(([x, k], i) => close(stats.chiSquaredSurvival(x, k), peer.laws.chi_squared[i], `chi-squared(${k}) at ${x}`));
    laws.chi_squared.forEach(([, k], i) =>
      close(stats.chiSquaredCritical(0.001, k), peer.laws.chi_squared_critical[i], `critical chi-squared(${k})`),
    );
    sequences.forEach(([successes, trials, confidence], i) => {
      const { low, high } = stats.proportionSequence(successes, trials, confidence);
      close(low, peer.sequences[i][0], `low of ${successes} of ${trials}`, 1e-8);
      close(high, peer.sequences[i][1], `high of ${successes} of ${trials}`, 1e-8);
    });
    laws.normal.forEach((level, i) => close(stats.normalQuantile(level), peer.laws.normal[i], `normal quantile at ${level}`));
    stats.benjaminiHochberg(laws.p).forEach((value, i) => close(value, peer.laws.adjusted[i], `adjusted p-value ${i}`));
  });
});
