import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { judgeGates } from './gates.ts';
import type { GateFacts } from './gates.ts';

const facts: GateFacts = {
  task: 'binary',
  metrics: [
    { name: 'accuracy', value: 0.8, higherIsBetter: true, interval: { low: 0.78, high: 0.82, level: 0.95 } },
    { name: 'log_loss', value: 0.4, higherIsBetter: false },
    { name: 'roc_auc', value: null, higherIsBetter: true },
  ],
  sets: [
    {
      set: 'newest',
      strategy: { strategy: 'time', columns: ['since'] },
      dataset: 'd',
      rows: 1200,
      metrics: [{ name: 'accuracy', value: 0.7, higherIsBetter: true, interval: { low: 0.67, high: 0.73, level: 0.95 } }],
    },
  ],
  slices: [
    { column: 'Contract', value: 'monthly', rows: 300, metrics: { accuracy: 0.71, log_loss: 0.55 } },
    { column: 'Contract', value: 'yearly', rows: 200, metrics: { accuracy: 0.9, log_loss: 0.2 } },
    { column: 'Contract', value: 'rare', rows: 12, metrics: { accuracy: 0.25, log_loss: 3 } },
    { column: 'City', value: 'A', rows: 5, metrics: { accuracy: 1 } },
  ],
  fairness: [
    {
      column: 'gender',
      groups: [
        { group: 'f', rows: 100, positives: 20, selectionRate: 0.2, truePositiveRate: 0.5, falsePositiveRate: 0.1 },
        { group: 'm', rows: 100, positives: 20, selectionRate: 0.3, truePositiveRate: 0.7, falsePositiveRate: 0.1 },
      ],
      demographicParityDifference: 0.1,
      equalOpportunityDifference: 0.2,
      equalizedOddsDifference: 0.2,
    },
  ],
  minSliceRows: 30,
};
const judge = (gate: string) => judgeGates({}, [gate], facts)[0];

describe('gates', () => {
  test('a gate may speak of a validation set, which has to be there', () => {
    assert.deepEqual(judge('accuracy on newest >= 0.75'), {
      name: 'accuracy on newest >= 0.75',
      passed: false,
      observed: 0.7,
      wanted: '>= 0.75',
      message: 'accuracy is 0.700 (95 % interval 0.670 to 0.730) on the 1,200 rows of newest; the project asks for >= 0.75',
    });
    assert.throws(
      () => judge('accuracy on oldest >= 0.75'),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.endsWith('there is no validation set "oldest"; it has newest'),
    );
  });

  test('the charter’s thresholds come first and say who asks', () => {
    const checks = judgeGates({ accuracy: '>= 0.75' }, ['log_loss <= 0.3'], facts);
    assert.deepEqual(
      checks.map(({ name, passed, observed }) => [name, passed, observed]),
      [
        ['accuracy >= 0.75', true, 0.8],
        ['log_loss <= 0.3', false, 0.4],
      ],
    );
    assert.equal(checks[0].message, 'accuracy is 0.800 (95 % interval 0.780 to 0.820); the charter asks for >= 0.75');
    assert.match(checks[1].message, /the project asks for <= 0\.3$/);
  });

  test('a metric that could not be measured meets no gate', () => {
    const check = judge('roc_auc >= 0');
    assert.deepEqual([check.passed, check.observed], [false, null]);
    assert.match(check.message, /could not be measured/);
  });

  test('every slice with enough rows has to meet a gate by slice; small ones are reported, not judged', () => {
    const held = judge('accuracy by Contract >= 0.70');
    assert.deepEqual([held.passed, held.observed], [true, 0.71]);
    assert.match(held.message, /the worst is "monthly" with 0\.710; not judged: "rare" \(only 12 rows\)/);
    const missed = judge('accuracy by Contract >= 0.75');
    assert.equal(missed.passed, false);
    assert.match(missed.message, /misses >= 0\.75, which the project asks for, in Contract "monthly" \(0\.710 on 300 rows\)/);
    assert.equal(judge('log_loss by Contract <= 0.6').observed, 0.55, 'the worst is the highest where lower is better');
  });

  test('a gate by slice without one slice to judge does not hold', () => {
    const check = judge('accuracy by City >= 0.5');
    assert.equal(check.passed, false);
    assert.match(check.message, /no value of City has 30 rows/);
  });

  test('gaps between groups are gates too', () => {
    assert.equal(judge('equal_opportunity_difference by gender <= 0.1').passed, false);
    assert.equal(judge('demographic_parity_difference by gender <= 0.1').passed, true);
    assert.equal(judge('equalized_odds_difference by age <= 0.1').passed, false, 'nothing measured, nothing met');
  });

  test('a metric of another task is refused', () => {
    assert.throws(() => judge('rmse <= 3'), (error) => hasCode(error, 'INVALID_ARGUMENT')); // prettier-ignore
    assert.throws(() => judge('equal_opportunity_difference <= 3'), (error) => hasCode(error, 'INVALID_ARGUMENT')); // prettier-ignore
  });
});
