import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

const api = '/api/2.0/mlflow';
const clients = 4;
const batches = 30;

interface Refusal {
  readonly error_code: string;
  readonly message: string;
}

describe('clients that log to one run at the same time', () => {
  let bench: Bench;
  let experiment = '';
  before(async () => {
    bench = await openBench({ allowLocal: true });
    experiment = (await bench.deps.training.tracking.createExperiment({ name: 'shared', by: { identity: 'ada', name: 'Ada' } })).id;
  });
  after(() => bench[Symbol.asyncDispose]());

  const post = async <T>(verb: string, message: object): Promise<{ readonly status: number; readonly said: T }> => {
    const response = await fetch(`${bench.address}${api}/${verb}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
    });
    return { status: response.status, said: (await response.json()) as T };
  };
  const start = async (): Promise<string> => {
    const { said } = await post<{ run: { info: { run_id: string } } }>('runs/create', { experiment_id: experiment });
    return said.run.info.run_id;
  };
  interface Found {
    readonly run: {
      readonly data: {
        readonly metrics: readonly { readonly key: string; readonly value: number; readonly step: number }[];
        readonly params: readonly { readonly key: string; readonly value: string }[];
      };
    };
  }
  const runOf = async (id: string): Promise<Found['run']['data']> => {
    const response = await fetch(`${bench.address}${api}/runs/get?run_id=${id}`);
    return ((await response.json()) as Found).run.data;
  };
  const stepsOf = async (id: string): Promise<ReadonlySet<number>> => {
    const response = await fetch(`${bench.address}${api}/metrics/get-history?run_id=${id}&metric_key=loss`);
    const { metrics = [] } = (await response.json()) as { metrics?: readonly { readonly step: number }[] };
    return new Set(metrics.map(({ step }) => step));
  };
  const batch = (id: string, step: number) => ({
    run_id: id,
    metrics: [{ key: 'loss', value: step, timestamp: 1_000_000 - step, step }],
    params: [{ key: `p${step}`, value: String(step) }],
  });

  test('lose nothing to each other, whatever the order of their steps and times', async () => {
    const id = await start();
    const all = Array.from({ length: clients * batches }, (_, step) => step);
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        for (const step of all.filter((one) => one % clients === client))
          assert.equal((await post('runs/log-batch', batch(id, step))).status, 200);
      }),
    );
    assert.deepEqual(
      [...(await stepsOf(id))].toSorted((a, b) => a - b),
      all,
    );
    const { metrics, params } = await runOf(id);
    assert.deepEqual([metrics[0].step, params.length], [all.length - 1, all.length]);
  });

  test('that give one parameter different values: one of them is taken, the others are told which', async () => {
    const id = await start();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        post<Refusal>('runs/log-batch', {
          run_id: id,
          params: [{ key: 'rate', value: `0.${at}` }],
          metrics: [{ key: `of ${at}`, value: 1, timestamp: 1, step: 0 }],
        }),
      ),
    );
    const taken = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []));
    assert.equal(taken.length, 1);
    for (const { status, said } of answers.filter((answer) => answer.status !== 200)) {
      assert.deepEqual([status, said.error_code], [400, 'INVALID_PARAMETER_VALUE']);
      assert.ok(said.message.includes(`already logged with value='0.${taken[0]}'`), said.message);
    }
    const { metrics, params } = await runOf(id);
    assert.deepEqual(params, [{ key: 'rate', value: `0.${taken[0]}` }]);
    assert.deepEqual(
      metrics.map(({ key }) => key),
      [`of ${taken[0]}`],
      'a request that is refused leaves nothing',
    );
  });

  test('while it is deleted are told so, and what was acknowledged before is there when it is restored', async () => {
    const id = await start();
    const acknowledged = new Set<number>();
    const refused: { readonly status: number; readonly said: Refusal }[] = [];
    const logging = Array.from({ length: clients }, async (_, client) => {
      for (let at = 0; refused.length < clients; at++) {
        const step = at * clients + client;
        const answer = await post<Refusal>('runs/log-batch', batch(id, step));
        if (answer.status === 200) acknowledged.add(step);
        else {
          refused.push(answer);
          return;
        }
      }
    });
    while (acknowledged.size < 20) await new Promise(setImmediate);
    assert.equal((await post('runs/delete', { run_id: id })).status, 200);
    await Promise.all(logging);
    assert.equal(refused.length, clients);
    for (const { status, said } of refused) {
      assert.deepEqual([status, said.error_code], [400, 'INVALID_PARAMETER_VALUE'], said.message);
      assert.match(said.message, /must be in the 'active' state\. Current state is deleted/);
    }
    assert.equal((await post('runs/restore', { run_id: id })).status, 200);
    assert.deepEqual(await stepsOf(id), acknowledged);
    assert.equal((await runOf(id)).params.length, acknowledged.size);
  });

  test('a parameter that comes twice in a batch is refused with its name, a tag that does takes its last value', async () => {
    const id = await start();
    const twice = await post<Refusal>('runs/log-batch', {
      run_id: id,
      params: [
        { key: 'rate', value: '1' },
        { key: 'depth', value: '1' },
        { key: 'rate', value: '1' },
      ],
    });
    assert.deepEqual([twice.status, twice.said.error_code], [400, 'INVALID_PARAMETER_VALUE']);
    assert.match(twice.said.message, /Duplicate parameter keys have been submitted: .*rate/);
    assert.deepEqual((await runOf(id)).params ?? [], []);
    const tags = [1, 2, 3].map((value) => ({ key: 'team', value: String(value) }));
    assert.equal((await post('runs/log-batch', { run_id: id, tags })).status, 200);
    const response = await fetch(`${bench.address}${api}/runs/get?run_id=${id}`);
    const { run } = (await response.json()) as { run: { data: { tags: readonly { readonly key: string; readonly value: string }[] } } };
    assert.equal(run.data.tags.find(({ key }) => key === 'team')?.value, '3');
  });
});
