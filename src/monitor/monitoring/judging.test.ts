import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InputColumn, JudgedVersion } from '#contract';
import { actualsOf, classOf, measure } from './actuals.ts';
import { integrityOf } from './integrity.ts';
import { judgeMetrics } from './thresholds.ts';

type Judged = JudgedVersion['signature'];
const signature = (task: Judged['task'], classes: string[]): Judged => ({ task, inputs: [], outputs: [], classes });
const row = (
  label: string | number | boolean | null,
  predicted: string | null,
  score: number | null,
  outputs: Record<string, unknown> = {},
) => ({
  label,
  predicted,
  score,
  outputs,
});

describe('metrics on actuals', () => {
  test('of a binary model are of the decisions that were served, whatever the threshold was', () => {
    const rows = [row('Yes', 'Yes', 0.3), row('No', 'Yes', 0.28), row('No', 'No', 0.1), row('Yes', 'No', 0.2)];
    const actuals = actualsOf(signature('binary', ['No', 'Yes']), rows);
    const metrics = new Map(measure(actuals, [], 'seed').map(({ name, value }) => [name, value]));
    // By hand: two of four right; one of two positives found, one of two positive calls right; 3 of 4 pairs in the right order.
    assert.deepEqual([metrics.get('accuracy'), metrics.get('f1'), metrics.get('roc_auc')], [0.5, 0.5, 0.75]);
  });

  test('with one class only leave out what is not defined, and with few rows the interval', () => {
    const metrics = measure(actualsOf(signature('binary', ['No', 'Yes']), [row('No', 'No', 0.2)]), [], 'seed');
    assert.equal(metrics.find(({ name }) => name === 'roc_auc')?.value, null);
    assert.deepEqual(
      metrics.find(({ name }) => name === 'accuracy'),
      { name: 'accuracy', value: 1 },
    );
  });

  test('have intervals that are the same each time: Wilson for accuracy, bootstrap for the others', () => {
    const rows = Array.from({ length: 100 }, (_, at) => row(at % 3 === 0 ? 'Yes' : 'No', at % 4 === 0 ? 'Yes' : 'No', (at % 7) / 7));
    const actuals = actualsOf(signature('binary', ['No', 'Yes']), rows);
    const metrics = measure(actuals, ['brier'], 'seed');
    assert.deepEqual(measure(actuals, ['brier'], 'seed'), metrics);
    const accuracy = metrics.find(({ name }) => name === 'accuracy');
    // 59 of 100, counted by hand; Wilson's formula (1927) with z = 1.959964 gives (0.4920, 0.6813).
    assert.equal(accuracy?.value, 0.59);
    assert.ok(Math.abs((accuracy.interval?.low ?? 0) - 0.492) < 1e-4 && Math.abs((accuracy.interval?.high ?? 0) - 0.6813) < 1e-4);
    assert.equal(metrics[0].name, 'brier');
  });

  test('of several classes take their probabilities by name, and of a regression the value', () => {
    const classes = ['a', 'b', 'c'];
    const rows = classes.map((name, at) =>
      row(name, name, null, { probabilities: { c: at === 2 ? 0.8 : 0.1, a: at === 0 ? 0.8 : 0.1, b: at === 1 ? 0.8 : 0.1 } }),
    );
    const metrics = new Map(measure(actualsOf(signature('multiclass', classes), rows), [], 's').map(({ name, value }) => [name, value]));
    assert.equal(metrics.get('accuracy'), 1);
    assert.ok(Math.abs((metrics.get('log_loss') ?? 0) + Math.log(0.8)) < 1e-12);
    const numbers = actualsOf(signature('regression', []), [row(3, null, 1), row(5, null, 5), row('x', null, 2)]);
    assert.equal(numbers.foreign, 1);
    assert.equal(measure(numbers, [], 's').find(({ name }) => name === 'mae')?.value, 1);
  });

  test('labels are compared as text, truth values also as 1 and 0', () => {
    assert.equal(classOf(['0', '1'], true), 1);
    assert.equal(classOf(['0', '1'], 0), 0);
    assert.equal(classOf(['false', 'true'], false), 0);
    assert.equal(classOf(['No', 'Yes'], null), undefined);
  });
});

describe('a threshold on actuals', () => {
  const accuracy = { name: 'accuracy', value: 0.7, interval: { low: 0.65, high: 0.75, level: 0.95 } };
  const atLeast = (value: number) => [{ metric: 'accuracy', operator: '>=', value } as const];

  test('is missed only when the whole interval lies below it', () => {
    const doubtful = judgeMetrics([accuracy], atLeast(0.74), undefined, true);
    assert.deepEqual([doubtful.metrics[0].met, doubtful.missed.length, doubtful.recovered], [true, 0, false]);
    const clear = judgeMetrics([accuracy], atLeast(0.76), undefined, true);
    assert.deepEqual([clear.metrics[0].met, clear.missed[0].limit], [false, 0.76]);
    assert.equal(judgeMetrics([accuracy], atLeast(0.7), undefined, true).recovered, true);
  });

  test('is not judged with too few labels, nor relative to a report that there is none of', () => {
    const few = judgeMetrics([accuracy], atLeast(0.9), undefined, false);
    assert.deepEqual([few.metrics[0].met, few.metrics[0].threshold, few.missed.length], [undefined, '>= 0.9', 0]);
    const relative = judgeMetrics([accuracy], [{ ...atLeast(0.9)[0], relativeTo: 'test' }], undefined, true);
    assert.equal(relative.metrics[0].threshold, undefined);
  });

  test('on an error is missed from above', () => {
    const rmse = { name: 'rmse', value: 3, interval: { low: 2.5, high: 3.5, level: 0.95 } };
    assert.equal(judgeMetrics([rmse], [{ metric: 'rmse', operator: '<=', value: 2.4 }], undefined, true).missed.length, 1);
    assert.equal(judgeMetrics([rmse], [{ metric: 'rmse', operator: '<=', value: 2.6 }], undefined, true).missed.length, 0);
  });
});

describe('the integrity of a window', () => {
  const charges: InputColumn = { name: 'charges', type: 'number', datatype: 'FP64', required: false, range: [10, 100] };
  const contract: InputColumn = { name: 'contract', type: 'string', datatype: 'BYTES', required: true, categories: ['month', 'year'] };
  const rows = (count: number, of: (at: number) => Record<string, string | number | boolean | null>) =>
    Array.from({ length: count }, (_, at) => of(at));

  test('tells missing, unseen, out of range and mistyped values apart, with an example of each', () => {
    const found = integrityOf(
      [charges, contract],
      [{ charges: null, contract: 'week' }, { charges: 500, contract: 'year' }, { charges: 'much', contract: 3 }, { contract: 'month' }],
      () => 0,
    );
    assert.deepEqual(
      found.map(({ finding: { kind, column, rows: count, example } }) => [kind, column, count, example]),
      [
        ['missing', 'charges', 2, null],
        ['out_of_range', 'charges', 1, 500],
        ['type', 'charges', 1, 'much'],
        ['unseen_category', 'contract', 1, 'week'],
        ['type', 'contract', 1, 3],
      ],
    );
  });

  test('as many missing values as in training are no finding; a single odd row is one, but not grave', () => {
    const missing = rows(200, (at) => ({ charges: at < 20 ? null : 50, contract: 'year' }));
    assert.deepEqual(
      integrityOf([charges, contract], missing, () => 0.1),
      [],
    );
    const [grave] = integrityOf([charges, contract], missing, () => 0);
    assert.deepEqual([grave.finding.share, grave.isGrave], [0.1, true]);
    const odd = rows(200, (at) => ({ charges: at === 7 ? 101 : 50, contract: 'year' }));
    const [single] = integrityOf([charges, contract], odd, () => 0);
    assert.deepEqual([single.finding.rows, single.isGrave], [1, false]);
  });
});
