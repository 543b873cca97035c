import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allGuards, guardOf } from './route-guards.ts';
import type { Touch, Values } from './authorize.ts';
import type { MlflowRoute } from './port.ts';

/** What a request does, in words. */
function done(route: string, values: Values): readonly string[] {
  const [method, path] = route.split(' ');
  const guard = guardOf({ method: method as MlflowRoute['method'], path });
  assert.ok(guard !== undefined, route);
  assert.ok(typeof guard.touches === 'function', route);
  return guard.touches(values).map(({ action, on }: Touch) => `${action} ${on.kind} ${on.id}`);
}

const api = '/2.0/mlflow';

describe('what a request does to which record', () => {
  test('is read from its message', () => {
    assert.deepEqual(done(`GET ${api}/experiments/get`, { experiment_id: '3' }), ['read experiment 3']);
    assert.deepEqual(done(`GET ${api}/experiments/get-by-name`, { experiment_name: 'churn' }), ['read experiment_named churn']);
    assert.deepEqual(done(`POST ${api}/experiments/restore`, { experiment_id: '3' }), ['delete experiment 3']);
    assert.deepEqual(done(`POST ${api}/runs/create`, { experiment_id: '3' }), ['update experiment 3']);
    assert.deepEqual(done(`GET ${api}/runs/get`, { run_uuid: 'r' }), ['read run r']);
    assert.deepEqual(done(`POST ${api}/runs/delete`, { run_id: 'r' }), ['delete run r']);
    assert.deepEqual(done(`GET ${api}/metrics/get-history-bulk`, { run_id: ['a', 'b'] }), ['read run a', 'read run b']);
    assert.deepEqual(done(`DELETE ${api}/registered-models/delete`, { name: 'fraud' }), ['delete registered_model fraud']);
  });

  test('is also what it does to logged models beside the run', () => {
    assert.deepEqual(done(`POST ${api}/runs/log-metric`, { run_id: 'r', model_id: 'm-1' }), ['update run r', 'update logged_model m-1']);
    assert.deepEqual(
      done(`POST ${api}/runs/log-batch`, { run_id: 'r', metrics: [{ model_id: 'm-1' }, { model_id: 'm-2' }, { model_id: 'm-1' }, {}] }),
      ['update run r', 'update logged_model m-1', 'update logged_model m-2'],
    );
    assert.deepEqual(done(`POST ${api}/runs/outputs`, { run_id: 'r', models: [{ model_id: 'm-1' }] }), [
      'update run r',
      'update logged_model m-1',
    ]);
  });

  test('is also that a version’s source can be read through it', () => {
    const from = (values: Values): readonly string[] => done(`POST ${api}/model-versions/create`, { name: 'fraud', ...values }).slice(1);
    assert.deepEqual(done(`POST ${api}/model-versions/create`, { name: 'fraud', source: 's3://b/k' }), ['update registered_model fraud']);
    assert.deepEqual(from({ source: 'runs:/r/model' }), ['read run r']);
    assert.deepEqual(from({ source: 's3://b/k', run_id: 'r' }), ['read run r']);
    assert.deepEqual(from({ source: 'models:/m-1' }), ['read logged_model m-1']);
    assert.deepEqual(from({ source: 'models:/other%20one/3' }), ['read registered_model other one']);
    assert.deepEqual(from({ source: 'models:/other@champion' }), ['read registered_model other']);
    assert.deepEqual(from({ source: 'mlflow-artifacts:/7/r/artifacts/model' }), ['read experiment 7']);
    assert.deepEqual(from({ source: 'mlflow-artifacts://host:5000/7/r/artifacts/model' }), ['read experiment 7']);
  });

  test('to artifacts is judged by the experiment below which they lie', () => {
    const artifacts = '/2.0/mlflow-artifacts';
    assert.deepEqual(done(`GET ${artifacts}/artifacts`, { path: '7/r/artifacts' }), ['read experiment 7']);
    assert.deepEqual(done(`PUT ${artifacts}/artifacts/*`, { '*': '7/r/artifacts/a.txt' }), ['update experiment 7']);
    assert.deepEqual(done(`POST ${artifacts}/mpu/create/*`, { '*': '7/r/artifacts/a.txt' }), ['update experiment 7']);
    assert.deepEqual(done(`DELETE ${artifacts}/artifacts/*`, { '*': '/7/r' }), ['delete experiment 7']);
    // The root lists all experiments: no experiment has this name, so that whoever may not see all is refused.
    assert.deepEqual(done(`GET ${artifacts}/artifacts`, {}), ['read experiment ']);
  });

  test('does not fail on members of any other type', () => {
    for (const { touches } of allGuards()) {
      if (typeof touches !== 'function') continue;
      for (const odd of [null, 7, [], {}, [null], [[]], '%E0%A4%A']) {
        const names = ['experiment_id', 'run_id', 'run_ids', 'model_id', 'name', 'source', 'metrics', 'models', '*', 'path'];
        assert.doesNotThrow(() => touches(Object.fromEntries(names.map((name) => [name, odd]))));
      }
    }
  });
});
