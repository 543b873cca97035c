import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TransformStep } from '#contract';
import { seeded } from '#core';
import { createFrame, numberColumn, textColumn } from '#tables';
import type { Frame } from '#tables';
import { ada, charterOf, openRooms, trainOne, versionOf } from './testing.ts';

/** Rows whose number is 3x - 2y with a little noise, and whose class is the third that it falls in. */
function table(rows: number, seed: number): Frame {
  const random = seeded(seed);
  const x = Float64Array.from({ length: rows }, () => random.normal());
  const y = Float64Array.from({ length: rows }, () => random.normal());
  const amount = x.map((value, row) => 3 * value - 2 * y[row] + 0.3 * random.normal());
  return createFrame([
    { name: 'x', column: numberColumn(x) },
    { name: 'y', column: numberColumn(y) },
    { name: 'side', column: textColumn(Array.from(x, (value) => (value > 0 ? 'right' : 'left'))) },
    { name: 'amount', column: numberColumn(amount) },
    { name: 'level', column: textColumn(Array.from(amount, (value) => (value < -1.5 ? 'low' : value > 1.5 ? 'high' : 'middle'))) },
  ]);
}

describe('judging other tasks', () => {
  for (const trainer of ['linear', 'gbdt'] as const) {
    test(`a regression by ${trainer}: errors with intervals, slices, importance and explanations, no threshold`, async () => {
      await using rooms = await openRooms();
      const spec: TransformStep = { of: 'points', target: 'amount', transform: { exclude: ['level', 'side'] } };
      const [train, validation, held] = await Promise.all(
        [[600, 1] as const, [200, 2] as const, [300, 3] as const].map(([rows, seed]) =>
          versionOf(rooms, `points-${seed}`, table(rows, seed)),
        ),
      );
      const { run } = await trainOne(rooms, { trainer, spec, train, validation });
      const report = await rooms.evaluation.judge({
        model: run.id,
        test: held,
        charter: charterOf({ rmse: '<= 1.5', r2: '>= 0.8' }),
        spec: { slices: ['side'], gates: ['mae by side <= 1'] },
        resamples: 100,
        by: ada,
      });
      assert.equal(report.passed, true, report.gates.map(({ message }) => message).join('\n'));
      assert.deepEqual([report.threshold, report.confusion, report.fairness, report.primary], [undefined, undefined, undefined, 'rmse']);
      assert.deepEqual(report.importance.map(({ feature }) => feature), ['x', 'y']); // prettier-ignore
      const frame = await rooms.data.open(held);
      const [explained] = await rooms.evaluation.explain({ run: run.id, frame, rows: [0] });
      assert.equal(explained.class, undefined);
      assert.ok(Math.abs(explained.contributions.reduce((sum, part) => sum + part.contribution, explained.base) - explained.margin) < 1e-6);
      assert.ok(Math.abs(explained.margin - frame.numbers('amount')[0]) < 3);
      assert.match(await rooms.evaluation.reportHtml(report.id), /RMSE/);
    });
  }

  for (const trainer of ['logistic', 'gbdt'] as const) {
    test(`three classes by ${trainer}: confusion of all, explanations of the predicted class or of one asked for`, async () => {
      await using rooms = await openRooms();
      const spec: TransformStep = { of: 'points', target: 'level', transform: { exclude: ['amount', 'side'] } };
      const [train, validation, held] = await Promise.all(
        [[600, 1] as const, [200, 2] as const, [300, 3] as const].map(([rows, seed]) =>
          versionOf(rooms, `points-${seed}`, table(rows, seed)),
        ),
      );
      const { run, transform } = await trainOne(rooms, { trainer, spec, train, validation });
      assert.deepEqual(transform.classes, ['high', 'low', 'middle']);
      const report = await rooms.evaluation.judge({
        model: run.id,
        test: held,
        charter: charterOf({ accuracy: '>= 0.8' }),
        spec: { slices: ['side'], threshold: 'max_f1' },
        resamples: 100,
        by: ada,
      });
      assert.equal(report.passed, true, report.gates.map(({ message }) => message).join('\n'));
      assert.equal(
        report.confusion?.counts.flat().reduce((sum, rows) => sum + rows, 0),
        300,
      );
      assert.equal(report.threshold, undefined);
      const frame = await rooms.data.open(held);
      const model = await rooms.training.readModel(run.id);
      const probabilities = await model.probabilities(frame);
      const [predicted] = await rooms.evaluation.explain({ run: run.id, frame, rows: [5] });
      const best = [0, 1, 2].toSorted((a, b) => probabilities[15 + b] - probabilities[15 + a])[0];
      assert.equal(predicted.class, transform.classes[best]);
      const [asked] = await rooms.evaluation.explain({ run: run.id, frame, rows: [5], class: 'low' });
      assert.equal(asked.class, 'low');
      for (const one of [predicted, asked])
        assert.ok(Math.abs(one.contributions.reduce((sum, part) => sum + part.contribution, one.base) - one.margin) < 1e-6);
      assert.match(await rooms.evaluation.reportHtml(report.id), /Confusion matrix/);
    });
  }
});
