import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isNamed } from './record-guards.ts';
import { allRoutes } from './table.ts';
import { openBench } from './testing.ts';
import { turnTheLoop } from './testing-loop.ts';
import type { Bench } from './testing.ts';
import type { Records } from './testing-loop.ts';

const by = { identity: 'test', name: 'test' };

describe('permissions on single records, where our own API reaches them', () => {
  let bench: Bench;
  let records: Records;
  let experiment = '';
  const open: string[] = [];
  before(async () => {
    bench = await openBench();
    records = await turnTheLoop(bench);
    const { tracking } = bench.deps.training;
    experiment = String(await tracking.experimentOfRun(records.version.run));
    for (let at = 0; at < 5; at++) {
      const { id } = await tracking.createExperiment({ name: `open-${at}`, by });
      open.push(id);
      await tracking.createRun({ experiment: id, by });
    }
  });
  after(() => bench[Symbol.asyncDispose]());

  const status = async (path: string, options: { method?: string; body?: unknown } = {}): Promise<number> =>
    (await bench.ask(`/api/v1/${path}`, { token: bench.tokens['ml-engineer'], ...options })).status;
  const list = async (path: string): Promise<{ items: readonly { name?: string; experiment?: string; model?: string }[]; next?: string }> =>
    (await (await bench.ask(`/api/v1/${path}`, { token: bench.tokens['ml-engineer'] })).json()) as {
      items: readonly object[];
      next?: string;
    };
  const grant = async (level: string, kind: string, record: string): Promise<void> => {
    const body = { identity: 'the-ml-engineer', kind, record, level };
    assert.equal((await bench.ask('/api/v1/grants', { method: 'PUT', token: bench.tokens.admin, body })).status, 200);
  };

  test('every route about experiments, runs, studies, models and versions says of which record it is', () => {
    const unnamed = allRoutes().filter((route) => !isNamed(route));
    assert.deepEqual(
      unnamed.map(({ method, path }) => `${method} ${path}`),
      [],
      'name them in src/edge/api/record-guards.ts',
    );
  });

  test('hide runs and studies with their experiment, and fill pages with the others', async () => {
    const { run } = records.version;
    const paths = [`runs/${run}`, `runs/${run}/metrics/validation_roc_auc`, `runs/${run}/artifacts/model.onnx`, `studies/${records.study}`];
    for (const path of paths) assert.equal(await status(path), 200, path);
    await grant('DENY', 'experiment', experiment);
    for (const path of paths) assert.equal(await status(path), 403, path);
    assert.equal(await status(`runs/${'0'.repeat(32)}`), 403);
    const names = (await list('experiments')).items.map(({ name }) => name);
    assert.deepEqual([names.includes('open-0'), names.includes('churn')], [true, false]);
    assert.deepEqual((await list('studies')).items, []);
    const first = await list('runs?limit=3');
    const second = await list(`runs?limit=3&after=${encodeURIComponent(String(first.next))}`);
    const seen = [...first.items, ...second.items].map((item) => item.experiment);
    assert.deepEqual([first.items.length, new Set(seen)], [3, new Set(open)]);
    await grant('READ', 'experiment', experiment);
    for (const path of paths) assert.equal(await status(path), 200, path);
  });

  test('hide versions with their model, and keep its aliases as they are', async () => {
    const { model, id, version } = records.version;
    const paths = [`models/${model}`, `models/${model}/versions`, `models/${model}/versions/${version}`, `model-versions/${id}`];
    await grant('DENY', 'registered_model', model);
    for (const path of [...paths, `models/${model}/versions/${version}/evidence`, `models/${model}/versions/${version}/card`])
      assert.equal(await status(path), 403, path);
    assert.equal(await status(`models/${model}/aliases`, { method: 'POST', body: { alias: 'candidate', version } }), 403);
    assert.deepEqual([(await list('models')).items, (await list('model-versions')).items], [[], []]);
    await grant('READ', 'registered_model', model);
    for (const path of paths) assert.equal(await status(path), 200, path);
    assert.equal((await list('models')).items.length, 1);
  });
});
