import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LoggedModel, RunModel } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

const by = { identity: 'test', name: 'Test' };

describe('logged models over our own API', () => {
  let bench: Bench;
  let run: string;
  let forest: string;
  before(async () => {
    bench = await openBench();
    const { tracking, loggedModels } = bench.deps.training;
    const { id: experiment } = await tracking.createExperiment({ name: 'vision', by });
    ({ id: run } = await tracking.createRun({ experiment, by }));
    const make = async (name: string, kind: string): Promise<string> =>
      (await loggedModels.create({ experiment, name, sourceRun: run, parameters: [{ key: 'kind', value: kind }], by })).id;
    forest = await make('forest', 'tree');
    const line = await make('line', 'linear');
    const dataset = { name: 'test', digest: '1' };
    await tracking.logBatch(run, {
      metrics: [
        { key: 'auc', value: 0.8, step: 0, timestamp: 1, model: forest, dataset },
        { key: 'auc', value: 0.9, step: 1, timestamp: 2, model: forest, dataset },
        { key: 'auc', value: Number.NaN, step: 0, timestamp: 1, model: line },
      ],
    });
    await loggedModels.link(run, [
      { model: forest, role: 'output', step: 1 },
      { model: 'm-gone', role: 'input', step: 0 },
    ]);
  });
  after(() => bench[Symbol.asyncDispose]());

  const ask = async <T>(path: string): Promise<T> => (await (await bench.ask(path, { token: bench.tokens.stakeholder })).json()) as T;
  const listed = async (query: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    const page = await ask<{ readonly items: readonly LoggedModel[] }>(`/api/v1/logged-models?${new URLSearchParams(query).toString()}`);
    return page.items.map(({ name }) => name);
  };

  test('are listed by filter and order', async () => {
    assert.deepEqual((await listed({ experiment: 'vision' })).toSorted(), ['forest', 'line']);
    assert.deepEqual(await listed({ filter: "params.kind = 'tree'" }), ['forest']);
    assert.deepEqual(await listed({ order: 'name desc' }), ['line', 'forest']);
    assert.deepEqual(await listed({ order: 'metrics.auc' }), ['forest', 'line']);
  });

  test('say what is wrong with a filter, and where', async () => {
    for (const [query, detail] of [
      ['filter=metrics.auc', /query\.filter: Invalid clause.*, at character 12/],
      ['order=params.kind', /query\.order: Invalid order by field name/],
      ['experiment=none', /no experiment "none"; there are/],
    ] as const)
      assert.match((await ask<{ readonly detail: string }>(`/api/v1/logged-models?${query}`)).detail, detail);
  });

  test('have the last value of each metric on each dataset', async () => {
    const model = await ask<LoggedModel>(`/api/v1/logged-models/${forest}`);
    assert.deepEqual(
      [model.run, model.parameters, model.deleted, model.metrics],
      [run, { kind: 'tree' }, false, [{ key: 'auc', value: 0.9, step: 1, timestamp: 2, run, dataset: { name: 'test', digest: '1' } }]],
    );
  });

  test('stand with the run that made or used them, also those that are not there', async () => {
    const { items } = await ask<{ readonly items: readonly RunModel[] }>(`/api/v1/runs/${run}/models`);
    assert.deepEqual(
      items.map(({ id, role, step, model }) => [id, role, step, model?.name]),
      [
        [forest, 'output', 1, 'forest'],
        ['m-gone', 'input', 0, undefined],
      ],
    );
  });
});
