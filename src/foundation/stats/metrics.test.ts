import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { calibrationCurve } from './calibration.ts';
import { confusionMatrix, scoresByClass } from './confusion.ts';
import { precisionRecallCurve, rocCurve } from './curves.ts';
import { isMetricName, metricInfo, metricNames, metricsOf } from './metric-names.ts';
import { computeMetrics, metricEvaluator } from './metrics.ts';
import { averagePrecision, rocAuc } from './ranking.ts';
import { chooseThreshold } from './threshold.ts';

function close(actual: number | undefined, expected: number, tolerance = 1e-12): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

describe('metrics of a binary task', () => {
  // Four rows, the example of scikit-learn's documentation of roc_auc_score and average_precision_score.
  const truth = [0, 0, 1, 1];
  const scores = [0.1, 0.4, 0.35, 0.8];

  test('are those worked out by hand', () => {
    const metrics = computeMetrics('binary', truth, scores);
    close(metrics.roc_auc, 0.75);
    close(metrics.pr_auc, 0.5 * 1 + 0.5 * (2 / 3));
    close(metrics.accuracy, 0.75);
    close(metrics.precision, 1);
    close(metrics.recall, 0.5);
    close(metrics.f1, 2 / 3);
    close(metrics.brier, (0.01 + 0.16 + 0.4225 + 0.04) / 4);
    close(metrics.log_loss, -(Math.log(0.9) + Math.log(0.6) + Math.log(0.35) + Math.log(0.8)) / 4);
  });

  test('count ties of ROC AUC as half, in any order of rows', () => {
    close(rocAuc([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]), 0.5);
    close(rocAuc([0, 1, 0, 1], [0.2, 0.5, 0.5, 0.9]), (1 + 0.5 + 1 + 1) / 4);
    close(averagePrecision([1, 0], [0.5, 0.5]), 0.5);
  });

  test('agree with counting all pairs', () => {
    const random = seeded(1);
    const y = Float64Array.from({ length: 200 }, () => random.int(2));
    const s = Float64Array.from(y, (value) => Math.round(10 * (random.next() + 0.3 * value)) / 10);
    const w = Float64Array.from(y, () => random.int(4));
    let wins = 0;
    let pairs = 0;
    for (let i = 0; i < 200; i++)
      for (let j = 0; j < 200; j++)
        if (y[i] === 1 && y[j] === 0) {
          pairs += w[i] * w[j];
          wins += w[i] * w[j] * (s[i] > s[j] ? 1 : s[i] === s[j] ? 0.5 : 0);
        }
    close(rocAuc(y, s, w), wins / pairs);
  });

  test('leave out what is not defined: ROC AUC with one class only, everything without rows', () => {
    const metrics = computeMetrics('binary', [1, 1], [0.2, 0.9]);
    assert.equal(metrics.roc_auc, undefined);
    close(metrics.accuracy, 0.5);
    assert.deepEqual(computeMetrics('binary', [], []), {});
  });

  test('weights act as repeated rows', () => {
    for (const name of metricsOf('binary')) {
      const weighted = metricEvaluator(name, 'binary', truth, scores)([2, 1, 0, 3]);
      const repeated = metricEvaluator(name, 'binary', [0, 0, 0, 1, 1, 1], [0.1, 0.1, 0.4, 0.8, 0.8, 0.8])();
      close(weighted, repeated);
    }
  });

  test('refuse scores that do not fit the rows, and metrics of another task', () => {
    assert.throws(() => computeMetrics('binary', truth, [0.1]), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => computeMetrics('binary', truth, scores, 0.5, ['rmse']), {
      code: 'INVALID_ARGUMENT',
      message: /"rmse" is no metric of a binary task/,
    });
    assert.throws(() => confusionMatrix([0, 2], [0, 1], 2), { code: 'INVALID_ARGUMENT', message: /row 1/ });
  });
});

describe('metrics of a multiclass task', () => {
  test('average over classes as worked out by hand', () => {
    const truth = [0, 0, 1, 1, 2];
    const scores = [0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0.1, 0.8, 0.1, 0.3, 0.4, 0.3, 0.2, 0.2, 0.6];
    const byClass = scoresByClass(confusionMatrix(truth, [0, 1, 1, 1, 2], 3));
    close(byClass[1].precision, 2 / 3);
    const metrics = computeMetrics('multiclass', truth, scores);
    close(metrics.accuracy, 0.8);
    close(metrics.recall, (0.5 + 1 + 1) / 3);
    close(metrics.precision_weighted, (2 * 1 + 2 * (2 / 3) + 1) / 5);
    close(metrics.log_loss, -(Math.log(0.6) + Math.log(0.2) + Math.log(0.8) + Math.log(0.4) + Math.log(0.6)) / 5);
  });
});

describe('metrics of a regression', () => {
  test('are those worked out by hand', () => {
    const metrics = computeMetrics('regression', [3, -0.5, 2, 7], [2.5, 0, 2, 8]);
    close(metrics.mse, 0.375);
    close(metrics.rmse, Math.sqrt(0.375));
    close(metrics.mae, 0.5);
    close(metrics.r2, 1 - 1.5 / 29.1875);
    close(metrics.mape, (0.5 / 3 + 1 + 0 + 1 / 7) / 4);
  });
});

describe('curves and thresholds', () => {
  const truth = [0, 1, 0, 1, 1, 0, 1, 0];
  const scores = [0.1, 0.9, 0.3, 0.6, 0.35, 0.5, 0.8, 0.2];

  test('the ROC curve goes from corner to corner and never falls; its area is the ROC AUC', () => {
    const curve = rocCurve(truth, scores);
    let area = 0;
    curve.forEach((point, i) => {
      if (i === 0) return;
      assert.ok(point.truePositiveRate >= curve[i - 1].truePositiveRate && point.falsePositiveRate >= curve[i - 1].falsePositiveRate);
      area += ((point.falsePositiveRate - curve[i - 1].falsePositiveRate) * (point.truePositiveRate + curve[i - 1].truePositiveRate)) / 2;
    });
    assert.deepEqual(curve[0], { threshold: null, falsePositiveRate: 0, truePositiveRate: 0 });
    close(curve.at(-1)?.truePositiveRate, 1);
    close(area, rocAuc(truth, scores));
    assert.equal(precisionRecallCurve(truth, scores).at(-1)?.recall, 1);
  });

  test('curves are thinned to the points asked for and keep their ends', () => {
    const random = seeded(2);
    const y = Array.from({ length: 2000 }, () => random.int(2));
    const s = y.map(() => random.next());
    const curve = rocCurve(y, s, 50);
    assert.equal(curve.length, 50);
    assert.deepEqual([curve[0].falsePositiveRate, curve[49].falsePositiveRate], [0, 1]);
  });

  test('the threshold chosen is the best of all thresholds tried one by one', () => {
    const f1 = (threshold: number): number => computeMetrics('binary', truth, scores, threshold).f1 ?? 0;
    const chosen = chooseThreshold(truth, scores, { kind: 'max_f1' });
    close(chosen.value, Math.max(...scores.map(f1)));
    close(f1(chosen.threshold), chosen.value);
    const cost = chooseThreshold(truth, scores, { kind: 'cost', falsePositive: 100, falseNegative: 1 });
    // Only the row at 0.35 is missed.
    close(cost.value, 1 / 8);
    assert.ok(chooseThreshold([0, 1], [0.8, 0.4], { kind: 'cost', falsePositive: 100, falseNegative: 1 }).threshold > 0.8);
    assert.throws(() => chooseThreshold([1, 1], [0.1, 0.2], { kind: 'youden' }), { code: 'INVALID_ARGUMENT' });
  });

  test('calibration bins hold every row, and quantile bins about equally many', () => {
    const random = seeded(3);
    const s = Array.from({ length: 1000 }, () => random.next() ** 3);
    const y = s.map((p) => (random.next() < p ? 1 : 0));
    const uniform = calibrationCurve(y, s);
    const quantile = calibrationCurve(y, s, { strategy: 'quantile' });
    for (const curve of [uniform, quantile])
      assert.equal(
        curve.reduce((sum, bin) => sum + bin.count, 0),
        1000,
      );
    assert.ok(quantile.every((bin) => bin.count === 100));
    assert.throws(() => calibrationCurve([1], [1.2]), { code: 'INVALID_ARGUMENT', message: /no probability/ });
  });
});

describe('the registry of metrics', () => {
  test('knows each name, and every task has metrics', () => {
    metricNames.forEach((name) => assert.equal(metricInfo[name].name, name));
    for (const task of ['binary', 'multiclass', 'regression'] as const) assert.ok(metricsOf(task).length >= 5);
    assert.ok(isMetricName('roc_auc'));
    assert.ok(!isMetricName('toString'));
  });
});
