import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AnswerTotals, RolloutPlan } from '#contract';
import { seeded } from '#core';
import { analyse } from './analysis.ts';
import { addedUp, answeredSince, nothingAnswered } from './answers.ts';
import { predictionDistance } from './distribution.ts';
import { nextMove } from './plan.ts';

const totals = (change: Partial<AnswerTotals>): AnswerTotals => ({ ...nothingAnswered, since: 1, ...change });
/** `late` of `requests` in bucket 60 (about 15 ms), the others in bucket 20 (about 0.34 ms). */
const timed = (requests: number, late: number): AnswerTotals =>
  totals({ requests, latencies: { 20: requests - late, ...(late > 0 ? { 60: late } : {}) } });
const stateOf = (analysis: Parameters<typeof analyse>[0], stable: AnswerTotals, candidate: AnswerTotals): readonly string[] =>
  analyse(analysis, { stable, candidate })
    .slice(1)
    .map(({ state }) => state);

describe('the analysis of a rollout', () => {
  test('errors: few requests are no proof of anything good, and a clear failure needs few', () => {
    const analysis = { minRequests: 100, maxErrorRate: 0.02, maxErrorRateIncrease: 0.01 };
    const stable = totals({ requests: 2000, errors: 2 });
    const of = (requests: number, errors: number) => stateOf(analysis, stable, totals({ requests, errors }));
    assert.deepEqual(of(0, 0), ['waiting', 'waiting']);
    assert.deepEqual(of(60, 0), ['waiting', 'waiting']);
    assert.deepEqual(of(100, 0), ['passed', 'passed']);
    assert.deepEqual(of(8, 8), ['failed', 'failed']);
    assert.deepEqual(of(3, 1), ['waiting', 'waiting']);
    assert.deepEqual(of(120, 4), ['waiting', 'waiting'], 'above the limit, and not surely');
    assert.deepEqual(of(400, 40), ['failed', 'failed']);
  });

  test('errors: what fails the version that is live as well is no fault of the new one', () => {
    const analysis = { minRequests: 100, maxErrorRateIncrease: 0.01 };
    assert.deepEqual(stateOf(analysis, totals({ requests: 2000, errors: 600 }), totals({ requests: 500, errors: 150 })), ['passed']);
  });

  test('errors: a version that is as good is hardly ever taken back, however often one looks', () => {
    const random = seeded(5);
    let takenBack = 0;
    for (let run = 0; run < 200; run++) {
      const counts = { stable: 0, candidate: 0 };
      for (let look = 1; look <= 40; look++) {
        for (let k = 0; k < 25; k++) {
          if (random.next() < 0.03) counts.stable++;
          if (random.next() < 0.03) counts.candidate++;
        }
        const requests = look * 25;
        const [state] = stateOf(
          { minRequests: 1, maxErrorRateIncrease: 0 },
          totals({ requests, errors: counts.stable }),
          totals({ requests, errors: counts.candidate }),
        );
        if (state !== 'failed') continue;
        takenBack++;
        break;
      }
    }
    assert.ok(takenBack <= 4, `${takenBack} of 200`);
  });

  test('latency: one slow request of a hundred is allowed, and the limit may be that of the version that is live', () => {
    const analysis = { minRequests: 100, maxLatencyP99Ms: 5, maxLatencyFactor: 3 };
    const stable = timed(1000, 0);
    assert.deepEqual(stateOf(analysis, stable, timed(200, 2)), ['passed', 'passed']);
    assert.deepEqual(stateOf(analysis, stable, timed(200, 60)), ['failed', 'failed']);
    assert.deepEqual(stateOf(analysis, stable, timed(200, 5)), ['waiting', 'waiting']);
    assert.deepEqual(stateOf(analysis, timed(50, 0), timed(200, 0)), ['passed', 'waiting'], 'too little to compare with');
    const slow = timed(1000, 900);
    assert.deepEqual(stateOf({ minRequests: 100, maxLatencyFactor: 3 }, slow, timed(200, 150)), ['passed']);
  });

  test('predictions: one distribution passes, a shifted one fails, and models that say nothing of that kind hold nobody up', () => {
    const random = seeded(7);
    const said = (count: number, shift: number): AnswerTotals => {
      const bins: Record<string, number> = {};
      for (let k = 0; k < count; k++) {
        const bin = Math.min(19, Math.max(0, Math.floor(8 + shift + 3 * random.normal())));
        bins[bin] = (bins[bin] ?? 0) + 1;
      }
      return totals({ requests: count, predictions: { kind: 'probability', bins } });
    };
    const analysis = { minRequests: 100, maxDistributionDistance: 0.25 };
    assert.deepEqual(stateOf(analysis, said(2000, 0), said(150, 0)), ['passed']);
    assert.deepEqual(stateOf(analysis, said(2000, 0), said(300, 3)), ['failed']);
    assert.deepEqual(stateOf(analysis, said(2000, 0), said(60, 3)), ['waiting']);
    assert.deepEqual(stateOf(analysis, totals({ requests: 500 }), totals({ requests: 500 })), ['passed']);
    const labels = (yes: number): AnswerTotals => totals({ requests: 400, predictions: { kind: 'label', bins: { yes, no: 400 - yes } } });
    assert.deepEqual(stateOf(analysis, labels(200), labels(210)), ['passed']);
    assert.deepEqual(stateOf(analysis, labels(200), labels(390)), ['failed']);
  });

  test('predictions: what only the new version says is seen, below all of the others and above', () => {
    const reference = totals({ requests: 200, predictions: { kind: 'value', bins: { 100: 50, 101: 50, 102: 50, 103: 50 } } });
    for (const bin of ['90', '110', 'NaN']) {
      const found = predictionDistance(reference, totals({ requests: 200, predictions: { kind: 'value', bins: { [bin]: 200 } } }));
      assert.ok((found?.distance ?? 0) > 1 + (found?.noise ?? 0), JSON.stringify(found));
    }
    assert.ok((predictionDistance(reference, reference)?.distance ?? 1) < 1e-9);
  });

  test('predictions: many rows of one request are one sample, and prove nothing', () => {
    const analysis = { minRequests: 100, maxDistributionDistance: 0.25 };
    const stable = totals({ requests: 1000, predictions: { kind: 'label', bins: { yes: 500, no: 500 } } });
    const batch = totals({ requests: 1, predictions: { kind: 'label', bins: { yes: 256 } } });
    const distance = analyse(analysis, { stable, candidate: batch }).find(({ name }) => name === 'prediction distribution');
    assert.equal(distance?.state, 'waiting');
    assert.ok((predictionDistance(stable, batch)?.noise ?? 0) > 5);
  });

  test('the index of samples of one distribution rarely exceeds what it says chance makes of it', () => {
    const random = seeded(3);
    const sample = (count: number) => {
      const bins: Record<string, number> = {};
      for (let k = 0; k < count; k++) {
        const bin = random.int(10);
        bins[bin] = (bins[bin] ?? 0) + 1;
      }
      return totals({ requests: count, predictions: { kind: 'probability', bins } });
    };
    let beyond = 0;
    for (let run = 0; run < 500; run++) {
      const found = predictionDistance(sample(3000), sample(300));
      if (found !== undefined && found.distance > found.noise) beyond++;
    }
    assert.ok(beyond <= 5, `${beyond} of 500, where 1 of 1000 is expected`);
  });
});

describe('what was answered since', () => {
  const before = totals({ requests: 10, errors: 1, latencies: { 3: 10 }, predictions: { kind: 'label', bins: { a: 9 } } });
  const now = totals({ requests: 14, errors: 2, latencies: { 3: 12, 4: 2 }, predictions: { kind: 'label', bins: { a: 9, b: 3 } } });

  test('is the difference of two readings of one count, and nothing before the first', () => {
    assert.deepEqual(
      answeredSince(before, now),
      totals({ requests: 4, errors: 1, latencies: { 3: 2, 4: 2 }, predictions: { kind: 'label', bins: { b: 3 } } }),
    );
    assert.deepEqual(answeredSince(undefined, now), nothingAnswered);
  });

  test('is all of a count that began again', () => {
    const again = { ...before, since: 2 };
    assert.deepEqual(answeredSince(now, again), again);
    assert.deepEqual(answeredSince(now, before), before, 'also where it does not say so');
    assert.equal(addedUp(now, again).requests, 24);
    assert.deepEqual(addedUp(now, again).predictions?.bins, { a: 18, b: 3 });
  });
});

describe('the next move of a rollout', () => {
  const plan: RolloutPlan = {
    strategy: 'canary',
    steps: [
      { weight: 0.1, forMs: 1000 },
      { weight: 0.5, forMs: 1000 },
    ],
    analysis: { minRequests: 1 },
    onFailure: 'rollback',
  };
  const check = (state: 'passed' | 'waiting' | 'failed') => ({
    name: 'errors',
    unit: 'share' as const,
    state,
    observed: 0,
    wanted: '',
    message: `it ${state}`,
  });
  const move = (step: number, elapsedMs: number, ...states: ('passed' | 'waiting' | 'failed')[]) =>
    nextMove({ plan, step, elapsedMs, checks: states.map(check) });

  test('waits for its time and for every check, fails at once, and ends with all of the traffic', () => {
    assert.deepEqual(move(0, 400, 'passed'), { move: 'wait', why: 'the step has 1 s left' });
    assert.deepEqual(move(0, 400, 'passed', 'failed'), { move: 'fail', why: 'it failed' });
    assert.deepEqual(move(0, 5000, 'passed', 'waiting'), { move: 'wait', why: 'it waiting' });
    assert.deepEqual(move(0, 1000, 'passed'), { move: 'step', step: 1 });
    assert.deepEqual(move(1, 1000, 'passed'), { move: 'promote' });
  });
});
