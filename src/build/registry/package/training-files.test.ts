import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InputColumn } from '#contract';
import { hasCode, seeded } from '#core';
import { feeds } from '#features';
import { openSession } from '#onnx';
import { frameFromRecords } from '#tables';
import { fitOutliers } from './outlier-graph.ts';
import { typicalRows } from './typical-rows.ts';

const inputs: readonly InputColumn[] = [
  { name: 'age', type: 'number', datatype: 'FP64', required: true },
  { name: 'spent', type: 'number', datatype: 'FP64', required: false },
  { name: 'plan', type: 'string', datatype: 'BYTES', required: false },
];
const columns = inputs.map(({ name, type }) => ({ name, type }));
const random = seeded(4);
const records = Array.from({ length: 800 }, (_, row) => ({
  age: 20 + 10 * random.next() + (row % 2) * 30,
  spent: random.next() < 0.1 ? null : 100 + 5 * random.normal(),
  plan: row === 0 ? 'the only one' : row % 2 === 0 ? 'small' : 'large',
}));
const frame = frameFromRecords(records, columns);

describe('what a package says of the rows behind a model', () => {
  test('typical rows are nobody’s: no row of the table is among them, and each stands for at least five', () => {
    const typical = typicalRows(inputs, frame, { dataset: 'd' }, 1);
    assert.ok(typical !== undefined && typical.rows.length > 5);
    const own = new Set(records.map(({ age }) => age));
    for (const [age, , plan] of typical.rows) assert.ok(!own.has(Number(age)) && plan !== 'the only one');
    assert.ok(typical.weights.every((weight) => weight >= 5));
    assert.ok(typical.weights.reduce((sum, weight) => sum + weight, 0) > 700);
    // The two groups of the table are told apart: the young have one plan, the old the other.
    for (const [age, , plan] of typical.rows) assert.equal(plan, Number(age) < 40 ? 'small' : 'large');
    assert.deepEqual(typicalRows(inputs, frame, { dataset: 'd' }, 1), typical);
  });

  for (const method of ['isolation_forest', 'mahalanobis'] as const)
    test(`outlier scores by ${method}: as many training rows beyond the threshold as the quantile says, and far rows beyond it`, async () => {
      const fitted = await fitOutliers(inputs, frame, { method, quantile: 0.95 }, {}, 1);
      assert.ok(fitted !== undefined);
      await using session = await openSession(fitted.graph);
      const scored = async (rows: typeof frame): Promise<number[]> =>
        Array.from<unknown, number>((await session.run(feeds(inputs, rows)))['outlier_score'].data, Number);
      const beyond = (await scored(frame)).filter((score) => score > fitted.facts.threshold).length;
      assert.ok(Math.abs(beyond - 40) <= 1, String(beyond));
      const [usual, far, strange] = await scored(
        frameFromRecords(
          [
            { age: 25, spent: 100, plan: 'small' },
            { age: 25, spent: 900, plan: 'small' },
            { age: 25, spent: 100, plan: 'never seen' },
          ],
          columns,
        ),
      );
      assert.ok(usual < fitted.facts.threshold && far > fitted.facts.threshold);
      // Distances look at numbers alone.
      if (method === 'mahalanobis') assert.equal(strange, usual);
      else assert.ok(strange > usual + 0.02, `${strange}, ${usual}`);
    });

  test('outlier scores that are not wanted are not fitted, and distances of a model without numbers are refused', async () => {
    assert.equal(await fitOutliers(inputs, frame, { method: 'none', quantile: 0.9 }, {}, 1), undefined);
    const texts = inputs.filter(({ name }) => name === 'plan');
    await assert.rejects(fitOutliers(texts, frame, { method: 'mahalanobis', quantile: 0.9 }, {}, 1), (error) =>
      hasCode(error, 'INVALID_ARGUMENT'),
    );
  });
});
