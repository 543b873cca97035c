import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeliveredChange, Deployment, Rollout } from '#contract';
import { deliveryMetrics, isFailed, isFailedRollout, restoreMsOf, stagesOf, tenuresOf } from './metrics.ts';

const day = 86_400_000;
const at = (days: number): string => new Date(days * day).toISOString();

function deployment(generation: number, modelVersion: string, more: Partial<Deployment> = {}): Deployment {
  const by = { identity: 'otto', name: 'Otto' };
  const state = 'superseded';
  return { id: `d${generation}`, environment: 'production', endpoint: 'churn', generation, modelVersion, package: 'p', manifest: 'm', state, reason: '', approvals: [], deployedBy: by, deployedAt: at(generation), ...more }; // prettier-ignore
}

function change(days: number, more: Partial<DeliveredChange> = {}): DeliveredChange {
  return { modelVersion: `v${days}`, model: 'churn', version: days, at: at(days), stages: {}, failed: false, ...more };
}

describe('changes of an environment', () => {
  test('are versions: new tokens, steps of a rollout, failed switches and ways back are none', () => {
    const tenures = tenuresOf([
      deployment(7, 'two', { state: 'live', backTo: 2 }),
      deployment(1, 'one'),
      deployment(2, 'two'),
      // Its tokens were renewed, then a rollout began and gave way to the version that is live.
      deployment(3, 'two'),
      deployment(4, 'two', { traffic: { rollout: 'r', beside: [{ modelVersion: 'three', package: 'p', weight: 0.1 }] } }),
      deployment(5, 'four', { state: 'failed' }),
      deployment(6, 'three', { state: 'rolled_back', endedAt: at(7) }),
    ]);
    assert.deepEqual(
      tenures.map(({ first, last }) => [first.generation, last.generation]),
      [
        [1, 1],
        [2, 4],
        [6, 6],
      ],
    );
    assert.deepEqual(tenures.map(isFailed), [false, false, true]);
  });

  test('failed as well where they came back by a rollback and were rolled back in turn', () => {
    const tenures = tenuresOf([
      deployment(1, 'zero'),
      deployment(2, 'one'),
      deployment(3, 'two', { state: 'rolled_back', endedAt: at(4) }),
      deployment(4, 'one', { state: 'rolled_back', backTo: 2, endedAt: at(6) }),
      deployment(5, 'zero', { state: 'live', backTo: 1 }),
    ]);
    assert.deepEqual(
      tenures.map((tenure) => [tenure.first.modelVersion, isFailed(tenure), restoreMsOf(tenure)]),
      [
        ['zero', false, undefined],
        ['one', true, 2 * day],
        ['two', true, day],
      ],
    );
  });

  test('failed as rollouts when they had served callers', () => {
    const rollout = (state: Rollout['state'], strategy: 'canary' | 'shadow', steps: number): boolean =>
      isFailedRollout({ state, plan: { strategy }, history: Array.from({ length: steps }, () => ({ what: 'step' })) } as unknown as Rollout); // prettier-ignore
    assert.ok(rollout('rolled_back', 'canary', 1));
    assert.ok(!rollout('rolled_back', 'canary', 0));
    assert.ok(!rollout('rolled_back', 'shadow', 1), 'shadows answer nobody');
    assert.ok(!rollout('promoted', 'canary', 3));
  });
});

describe('the four figures', () => {
  test('are counted by hand on a month of changes', () => {
    const metrics = deliveryMetrics(
      'production',
      [
        change(2, { leadTimeMs: 4 * day }),
        change(9, { leadTimeMs: 2 * day, failed: true, restoreMs: 600_000 }),
        change(16, { leadTimeMs: day }),
        change(27, { failed: true, restoreMs: 1_800_000 }),
        // Before and after the span.
        change(29, { failed: true, restoreMs: 1 }),
        change(28, { failed: true, restoreMs: 1 }),
      ],
      { from: 0, to: 28 * day },
    );
    assert.deepEqual([metrics.changes, metrics.perWeek], [4, 1]);
    assert.equal(metrics.leadTimeMs, 2 * day);
    assert.equal(metrics.changeFailureRate, 0.5);
    assert.equal(metrics.restoreMs, 1_200_000);
    assert.deepEqual(
      metrics.trend.map(({ from, changes, failures }) => [from, changes, failures]),
      [
        [at(0), 1, 0],
        [at(7), 1, 1],
        [at(14), 1, 0],
        [at(21), 1, 1],
      ],
    );
    assert.deepEqual(
      metrics.latest.map(({ version }) => version),
      [27, 16, 9, 2],
    );
  });

  test('are unknown where nothing was to be measured', () => {
    const { changes, perWeek, leadTimeMs, changeFailureRate, restoreMs, trend } = deliveryMetrics('test', [], { from: 0, to: 3 * day });
    assert.deepEqual([changes, perWeek, leadTimeMs, changeFailureRate, restoreMs, trend.length], [0, 0, null, null, null, 1]);
  });

  test('say where a version waited: each stage from the end of the one before', () => {
    const { stages, leadTimeMs } = stagesOf(at(1), { build: at(2), test: at(4), certify: at(4.5), approve: at(7), release: at(8) });
    assert.deepEqual(stages, { build: day, test: 2 * day, certify: 0.5 * day, approve: 2.5 * day, release: day });
    assert.equal(leadTimeMs, 7 * day);
    // An environment that asks for nothing; and tests that were run again after the release.
    assert.deepEqual(stagesOf(at(1), { build: at(2), release: at(2) }), { stages: { build: day, release: 0 }, leadTimeMs: day });
    assert.deepEqual(stagesOf(undefined, { release: at(2) }), { stages: {} });
  });
});
