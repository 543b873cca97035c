import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

const by = { identity: 'ada', name: 'Ada' };

describe('runs as a table by HTTP', () => {
  let bench: Bench;
  let open = '';
  let closed = '';
  const runs: string[] = [];
  before(async () => {
    bench = await openBench();
    const { tracking } = bench.deps.training;
    open = (await tracking.createExperiment({ name: 'open', by })).id;
    closed = (await tracking.createExperiment({ name: 'closed', by })).id;
    for (const [at, experiment] of [open, open, closed].entries()) {
      const { id } = await tracking.createRun({ experiment, name: `run ${at}`, startedAt: at, by });
      await tracking.logBatch(id, {
        metrics: [{ key: 'loss', value: at === 0 ? Number.NaN : at, step: 0, timestamp: 5 }],
        parameters: [{ key: 'depth', value: '3' }],
      });
      runs.push(id);
    }
    const body = { identity: 'the-data-scientist', kind: 'experiment', record: closed, level: 'NO_PERMISSIONS' };
    const granted = await bench.ask('/api/v1/grants', { method: 'PUT', token: bench.tokens.admin, body });
    assert.equal(granted.status, 200);
  });
  after(() => bench[Symbol.asyncDispose]());

  const post = async (path: string, body: object, role: 'data-scientist' | 'stakeholder' | 'admin' = 'admin') => {
    const response = await bench.ask(`/api/v1/runs/${path}`, { method: 'POST', token: bench.tokens[role], body });
    // What each route answers is held against its schema elsewhere.
    const answer = (await response.json()) as {
      items: { name: string; metrics: unknown[] }[];
      positions: number[];
      next?: string;
      detail: string;
      details?: { at?: number };
    };
    return { status: response.status, answer };
  };

  test('a search answers pages of rows with the columns that were asked for; what is no number says so', async () => {
    const body = { experiments: [open], columns: { metrics: ['loss'] }, limit: 1, order: ['start_time DESC'] };
    const first = await post('search', body);
    assert.deepEqual(
      first.answer.items.map(({ name, metrics }) => [name, metrics]),
      [['run 1', [1]]],
    );
    const second = await post('search', { ...body, after: first.answer.next });
    assert.deepEqual(
      second.answer.items.map(({ name, metrics }) => [name, metrics]),
      [['run 0', ['NaN']]],
    );
    assert.equal(second.answer.next, undefined);
  });

  test('records of runs come in the order that was asked for', async () => {
    const { status, answer } = await post('records', { runs: [runs[1], runs[0]] }, 'stakeholder');
    assert.equal(status, 200);
    assert.deepEqual(
      answer.items.map(({ name }) => name),
      ['run 1', 'run 0'],
    );
    const id = '0198b1c2-d3e4-75f6-8798-a9bacbdcedfe';
    const { tracking } = bench.deps.training;
    const elsewhere = await tracking.createExperiment({ name: 'by id', by });
    await tracking.createRun({ experiment: elsewhere.id, id, name: 'run 3', by });
    const asMlflow = await post('records', { runs: [id.replaceAll('-', '')] }, 'stakeholder');
    assert.deepEqual(
      asMlflow.answer.items.map(({ name }) => name),
      ['run 3'],
      'also by the id that MLflow’s clients know',
    );
    assert.equal((await post('records', { runs: ['nobody'] })).status, 404);
    assert.equal((await post('records', { runs: [] })).status, 400);
  });

  test('a filter that cannot be read is refused with its place', async () => {
    const { status, answer } = await post('positions', { filter: 'metrics.loss <' });
    assert.equal(status, 400);
    assert.match(answer.detail, /./);
    assert.equal(typeof answer.details?.at, 'number');
  });

  test('runs of an experiment that is closed to somebody are in none of the answers, and cannot be changed', async () => {
    const all = await post('positions', {});
    const seen = await post('positions', {}, 'data-scientist');
    assert.equal(all.answer.positions.length - seen.answer.positions.length, 1);
    const rows = await post('rows', { positions: all.answer.positions }, 'data-scientist');
    assert.ok(rows.answer.items.every(({ name }) => name !== 'run 2'));
    assert.equal((await post('series', { runs: [runs[2]], key: 'loss' }, 'data-scientist')).status, 403);
    assert.equal((await post('records', { runs: [runs[0], runs[2]] }, 'data-scientist')).status, 403);
    assert.equal((await post('change', { runs: [runs[2]], lifecycle: 'deleted' }, 'data-scientist')).status, 403);
    const logged = await bench.ask(`/api/v1/runs/${runs[2]}/logged`, { token: bench.tokens['data-scientist'] });
    assert.equal(logged.status, 403);
  });

  test('runs are tagged, renamed, deleted and restored, many at once', async () => {
    const { tracking } = bench.deps.training;
    const both = [runs[0], runs[1]];
    const tagsOf = async (id: string): Promise<string[]> => (await tracking.getRun(id)).tags.map(({ key, value }) => `${key}=${value}`);
    assert.equal((await post('change', { runs: both, tags: { keep: 'yes', why: 'good' } })).status, 200);
    await post('change', { runs: both, tags: { why: null, never: null } });
    assert.deepEqual((await tagsOf(runs[1])).sort(), ['keep=yes', 'mlflow.runName=run 1']);
    await post('change', { runs: [runs[1]], name: 'renamed' });
    await post('change', { runs: both, lifecycle: 'deleted' });
    assert.deepEqual((await post('search', { experiments: [open] })).answer.items, []);
    assert.equal((await post('search', { experiments: [open], view: 'deleted' })).answer.items.length, 2);
    await post('change', { runs: both, lifecycle: 'active' });
    assert.deepEqual(
      (await post('search', { experiments: [open] })).answer.items.map(({ name }) => name),
      ['renamed', 'run 0'],
    );
    assert.equal((await post('change', { runs: ['nobody'], lifecycle: 'deleted' })).status, 404);
    assert.equal((await post('change', { runs: both, tags: { a: '1' } }, 'stakeholder')).status, 403);
  });
});
