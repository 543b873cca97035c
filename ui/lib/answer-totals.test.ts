import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AnswerTotals } from '#contract';
import { latencyOf, saidByBoth } from './answer-totals.ts';

const totals = (change: Partial<AnswerTotals>): AnswerTotals => ({ since: 0, requests: 0, errors: 0, latencies: {}, ...change });

describe('what two versions answered, as a page shows it', () => {
  test('latencies are read from their buckets', () => {
    const answered = totals({ requests: 100, latencies: { 20: 98, 60: 2 } });
    assert.ok(Math.abs((latencyOf(answered, 0.5) ?? 0) - 0.05 * 1.1 ** 20) < 1e-9);
    assert.ok(Math.abs((latencyOf(answered, 0.99) ?? 0) - 0.05 * 1.1 ** 60) < 1e-9);
    assert.equal(latencyOf(totals({}), 0.5), undefined);
  });

  test('labels, probabilities and values lie in the same bins on both sides', () => {
    const said = (kind: 'label' | 'probability' | 'value', bins: Record<string, number>): AnswerTotals =>
      totals({ predictions: { kind, bins } });
    assert.deepEqual(saidByBoth(said('label', { a: 1 }), said('label', { b: 2 })), {
      kind: 'labels',
      values: [
        { value: 'a', from: 1, to: 0 },
        { value: 'b', from: 0, to: 2 },
      ],
    });
    const likely = saidByBoth(said('probability', { 0: 3 }), said('probability', { 19: 4 }));
    assert.ok(likely?.kind === 'numbers');
    assert.deepEqual(
      [likely.bins[0], likely.bins[19]],
      [
        { low: 0, high: 0.05, from: 3, to: 0 },
        { low: 0.95, high: 1, from: 0, to: 4 },
      ],
    );
    const values = saidByBoth(said('value', { '-100': 1, 0: 2 }), said('value', { 100: 5, NaN: 9 }));
    assert.ok(values?.kind === 'numbers');
    assert.deepEqual([values.bins[0].from, values.bins.at(-1)?.to], [1, 5]);
    assert.equal(saidByBoth(said('label', {}), said('value', {})), undefined);
  });
});
