import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasCode, seeded } from '#core';
import { ada, openBench } from './testing.ts';
import type { Bench } from './testing.ts';

const at = (metric: string, value: number) => ({ metric, operator: '>=' as const, value });

describe('whether thresholds of success can be reached', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());
  const version = async (name: string, rows: readonly string[]) =>
    (await bench.data.ingest({ dataset: name, path: await bench.file(`${name}.csv`, `${rows.join('\n')}\n`), by: ada })).version.digest;

  test('a quick model on real customers is held against them, with intervals and with what knowing nothing gives', async () => {
    const { version: churn } = await bench.data.ingest({ dataset: 'churn', path: 'examples/churn/data/telco-churn.csv', by: ada });
    const request = {
      target: 'Churn',
      excluded: ['customerID'],
      success: [at('roc_auc', 0.75), at('accuracy', 0.78), at('roc_auc', 0.95), at('rmse', 1)],
    };
    const found = await bench.data.feasibility(churn.digest, request);
    assert.deepEqual([found.task, found.rows, found.sampled, found.trained, found.tested], ['binary', 7043, 7043, 4930, 2113]);
    assert.deepEqual(
      found.metrics.map(({ verdict }) => verdict),
      ['met', 'within reach', 'beyond the baseline'],
    );
    // published results on these data lie between 0.83 and 0.86; accuracy of "nobody leaves" is 0.735 on all rows
    assert.ok(found.metrics[0].value > 0.81 && found.metrics[0].value < 0.87, String(found.metrics[0].value));
    assert.equal(found.metrics[0].naive, 0.5);
    assert.ok(Math.abs((found.metrics[1].naive ?? 0) - 0.735) < 0.03);
    for (const { low, value, high } of found.metrics) assert.ok(low <= value && value <= high);
    assert.deepEqual(found.unmeasured, ['rmse >= 1']);
    assert.equal(found.columns.includes('customerID'), false);
    assert.deepEqual({ ...(await bench.data.feasibility(churn.digest, request)), cost: 0 }, { ...found, cost: 0 }, 'the same again');
  });

  test('numbers are regression, and columns of free text are left aside', async () => {
    const random = seeded(3);
    const rows = Array.from({ length: 400 }, (_, row) => {
      const x = random.next();
      return `note ${row},${x.toFixed(4)},${(3 * x + 0.1 * random.normal()).toFixed(4)}`;
    });
    const found = await bench.data.feasibility(await version('line', ['note,x,y', ...rows]), {
      target: 'y',
      excluded: [],
      success: [at('r2', 0.5)],
    });
    assert.deepEqual([found.task, found.left, found.metrics[0].verdict], ['regression', ['note'], 'met']);
  });

  test('where nothing can be learned, the baseline is no better than knowing nothing', async () => {
    const random = seeded(4);
    const rows = Array.from({ length: 1000 }, () => `${random.next().toFixed(4)},${random.int(2) === 0 ? 'a' : 'b'}`);
    const found = await bench.data.feasibility(await version('noise', ['x,y', ...rows]), {
      target: 'y',
      excluded: [],
      success: [at('roc_auc', 0.7)],
    });
    assert.equal(found.metrics[0].verdict, 'beyond the baseline');
    assert.ok(found.metrics[0].low < 0.5 && found.metrics[0].high > 0.5);
  });

  test('too few rows or one class are refused with the reason', async () => {
    const few = await version('few', ['x,y', '1,a', '2,b']);
    await assert.rejects(bench.data.feasibility(few, { target: 'y', excluded: [], success: [] }), (error) =>
      hasCode(error, 'FAILED_PRECONDITION'),
    );
    const one = await version('one', ['x,y', ...Array.from({ length: 40 }, (_, row) => `${row},a`)]);
    await assert.rejects(
      bench.data.feasibility(one, { target: 'y', excluded: [], success: [] }),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /one class only/.test(error.message),
    );
  });
});
