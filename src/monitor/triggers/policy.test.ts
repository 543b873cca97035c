import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert } from '#contract';
import { alertKinds } from '#contract';
import { decide, type Policy } from './policy.ts';

const policy: Policy = { onAlert: ['notify', 'retrain', 'roll_back'], minRows: 640 };
const alert: Alert = {
  id: 'alert-1',
  kind: 'performance',
  state: 'open',
  environment: 'production',
  endpoint: 'churn',
  modelVersion: 'mv-1',
  title: 'accuracy fell to 0.66',
  cause: 'accuracy fell to 0.66 since 12 January; Contract moved most (PSI 0.31)',
  observed: 0.66,
  threshold: '>= 0.72',
  columns: [],
  since: '2026-01-12T00:00:00.000Z',
  firstWindow: 'w-1',
  lastWindow: 'w-1',
  windows: 1,
  raisedAt: '2026-01-13T00:00:00.000Z',
};

describe('the policy', () => {
  test('gives what the project asks for, in its order, each with a reason', () => {
    assert.deepEqual(decide(policy, alert), [
      { kind: 'notify', reason: alert.cause },
      { kind: 'retrain', reason: 'accuracy fell to 0.66; waits for 640 labelled rows since 2026-01-12' },
      { kind: 'roll_back', reason: 'accuracy fell to 0.66' },
    ]);
    assert.deepEqual(decide({ ...policy, onAlert: [] }, alert), []);
    assert.deepEqual(
      decide({ ...policy, onAlert: ['roll_back', 'notify'] }, alert).map(({ kind }) => kind),
      ['roll_back', 'notify'],
    );
  });

  test('does not answer slow answers or broken inputs with retraining', () => {
    const retrained = alertKinds.filter((kind) => decide(policy, { ...alert, kind }).some((decision) => decision.kind === 'retrain'));
    assert.deepEqual(retrained, ['performance', 'drift', 'prediction_drift']);
  });

  test('only tells of an alert that is over, but acts on one that somebody has seen', () => {
    assert.deepEqual(
      decide(policy, { ...alert, state: 'resolved' }).map(({ kind }) => kind),
      ['notify'],
    );
    assert.equal(decide(policy, { ...alert, state: 'acknowledged' }).length, 3);
  });
});
