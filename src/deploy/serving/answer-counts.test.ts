import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Signature } from '#contract';
import { AnswerCounts, sumAnswers } from './answer-counts.ts';

const binary: Signature = { task: 'binary', inputs: [], outputs: [], classes: ['No', 'Yes'] };

describe('what a model answered', () => {
  test('is counted with its latencies and what it said, in bins that can be compared', () => {
    const counts = new AnswerCounts(7);
    counts.note(0.01, false);
    counts.note(1, false);
    counts.note(1, true);
    counts.predicted(binary, [
      { label: 'Yes', probabilities: { No: 0.04, Yes: 0.96 } },
      { label: 'No', probabilities: { No: 1, Yes: 0 } },
      { label: 'Yes', probabilities: { No: 0, Yes: 1 } },
    ]);
    assert.deepEqual(counts.totals, {
      since: 7,
      requests: 3,
      errors: 1,
      latencies: { 0: 1, 32: 2 },
      predictions: { kind: 'probability', bins: { 0: 1, 19: 2 } },
    });
  });

  test('keeps the order of values, tells apart those that differ by a hundredth, and counts what is no number', () => {
    const counts = new AnswerCounts(0);
    const regression: Signature = { ...binary, task: 'regression', classes: [] };
    const values = [-100, -1, 0, 1, 1.02, 100, Number.NaN];
    counts.predicted(
      regression,
      values.map((value) => ({ value })),
    );
    const bins = Object.keys(counts.totals.predictions?.bins ?? {});
    assert.equal(bins.length, values.length);
    const order = values.slice(0, -1).map((value) => {
      const one = new AnswerCounts(0);
      one.predicted(regression, [{ value }]);
      return Number(Object.keys(one.totals.predictions?.bins ?? {})[0]);
    });
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  test('counts labels of several classes, and of one request with many rows no more than some hundred', () => {
    const counts = new AnswerCounts(0);
    const probabilities = { a: 0.2, b: 0.3, c: 0.5 };
    counts.predicted({ ...binary, task: 'multiclass', classes: ['a', 'b', 'c'] }, [{ label: 'c', probabilities }]);
    counts.predicted(binary, undefined);
    assert.deepEqual(counts.totals.predictions, { kind: 'label', bins: { c: 1 } });
    const many = new AnswerCounts(0);
    many.predicted(
      binary,
      Array.from({ length: 5000 }, () => ({ label: 'No', probabilities: { No: 1, Yes: 0 } })),
    );
    assert.deepEqual(many.totals.predictions?.bins, { 0: 256 });
  });

  test('adds up over threads', () => {
    const [one, other] = [new AnswerCounts(5), new AnswerCounts(9)];
    for (const counts of [one, other]) {
      counts.note(1, false);
      counts.predicted(binary, [{ label: 'No', probabilities: { No: 1, Yes: 0 } }]);
    }
    const sum = sumAnswers([one.totals, { ...other.totals, different: 1 }]);
    assert.deepEqual(sum, {
      since: 5,
      requests: 2,
      errors: 0,
      latencies: { 32: 2 },
      predictions: { kind: 'probability', bins: { 0: 2 } },
      different: 1,
    });
  });

  test('is the same count when a thread comes to it: what was counted before is not counted again', () => {
    const leading = new AnswerCounts(5);
    for (let k = 0; k < 100; k++) leading.note(1, false);
    const before = sumAnswers([leading.totals]);
    const later = new AnswerCounts(50);
    later.note(1, true);
    leading.note(1, false);
    const now = sumAnswers([leading.totals, later.totals]);
    assert.equal(now.since, before.since);
    assert.deepEqual([now.requests - before.requests, now.errors - before.errors], [2, 1]);
  });
});
