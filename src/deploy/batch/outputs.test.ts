import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { openObjectStore } from '#blobs';
import type { ObjectStore } from '#blobs';
import { GyreError, hasCode, systemClock } from '#core';
import { samplePackage, writeSampleFolder } from '#serving';
import { localModel, predictBatch } from './index.ts';
import type { BatchModel, BatchRequest, BatchResult, BatchTarget, PredictDeps } from './index.ts';

const postgresUrl = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function postgres<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const isRequired = process.env['GYRE_REQUIRE_ALL'] === '1';
const answers = await postgres((client) => client.query('SELECT 1')).then(
  () => true,
  () => false,
);
const skip = isRequired || answers ? false : 'no PostgreSQL answers; GYRE_TEST_POSTGRES names one';

describe('where predictions go', () => {
  let folder: string;
  let model: BatchModel;
  const rows = 3000;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-batch-outputs-'));
    await writeSampleFolder(join(folder, 'model'), samplePackage());
    model = await localModel(join(folder, 'model'), systemClock);
    const lines = Array.from(
      { length: rows },
      (_, i) => `${i},${i === 7 ? 'none' : i % 73},${20 + (i % 100)},${i % 3 === 0},${i % 2 === 0 ? 'One year' : ''}`,
    );
    await writeFile(join(folder, 'rows.csv'), ['id,tenure,charges,senior,contract', ...lines, ''].join('\n'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  let runs = 0;
  const predict = (target: BatchTarget, existing: BatchRequest['outputs'][number]['existing'], deps: PredictDeps): Promise<BatchResult> =>
    predictBatch(
      {
        model,
        input: { source: { kind: 'file', path: join(folder, 'rows.csv') } },
        outputs: [{ target, existing }],
        choices: { ids: true },
        work: join(folder, 'work'),
        partRows: 1024,
        workers: 1,
        newId: () => `run-${process.pid}-${++runs}`,
      },
      deps,
    );

  it('objects of a bucket are whole when _SUCCESS is there, and what was sent before the process died is not sent again', async () => {
    const place = join(folder, 'bucket');
    let [puts, most] = [0, 2];
    const openObjects = async (): Promise<ObjectStore> => {
      const store = openObjectStore(place, { durable: false });
      return {
        ...store,
        address: store.address,
        stat: (key) => store.stat(key),
        list: (prefix) => store.list(prefix),
        put: (key, bytes, options) => store.put(key, bytes, options),
        read: (key) => store.read(key),
        delete: (key) => store.delete(key),
        putFile: async (key, path, options) => {
          if (puts >= most) throw new GyreError('UNAVAILABLE', 'the bucket went away');
          puts += 1;
          await store.putFile(key, path, options);
        },
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      };
    };
    const target: BatchTarget = { kind: 'objects', address: 's3://bucket/scores' };
    const deps = { environment: {}, openObjects };
    await assert.rejects(predict(target, 'refuse', deps), (error) => hasCode(error, 'UNAVAILABLE'));
    assert.ok(!(await readdir(place)).includes('_SUCCESS'));
    most = 99;
    const result = await predict(target, 'refuse', deps);
    assert.deepEqual([result.rows, result.failed, result.resumedParts, puts], [rows, 1, 3, 3]);
    assert.deepEqual((await readdir(place)).sort(), ['_SUCCESS', 'part-00000.parquet', 'part-00001.parquet', 'part-00002.parquet']);
    await assert.rejects(predict(target, 'refuse', deps), (error) => hasCode(error, 'ALREADY_EXISTS'));
    await predict(target, 'replace', deps);
    assert.equal((await readdir(place)).length, 4);
  });

  it('a table of PostgreSQL gets its name with all of its rows, and more of them when they are appended', { skip }, async () => {
    const table = `gyre_batch_test_${process.pid}`;
    const target: BatchTarget = { kind: 'postgres', address: postgresUrl, table };
    const deps = { environment: {} };
    const count = (): Promise<Record<string, number>> =>
      postgres(async (client) => {
        const found = await client.query<Record<string, number>>(
          `SELECT count(*)::int AS rows, count(DISTINCT prediction_id)::int AS ids, count(prediction_error)::int AS failed, sum(id)::int AS ids_sum FROM ${table}`,
        );
        return found.rows[0];
      });
    try {
      await predict(target, 'refuse', deps);
      const whole = { rows, ids: rows, failed: 1, ids_sum: (rows * (rows - 1)) / 2 };
      assert.deepEqual(await count(), whole);
      await assert.rejects(predict(target, 'refuse', deps), (error) => hasCode(error, 'ALREADY_EXISTS'));
      await predict(target, 'append', deps);
      assert.deepEqual(await count(), { ...whole, rows: 2 * rows, failed: 2, ids_sum: rows * (rows - 1) });
      await predict(target, 'replace', deps);
      assert.deepEqual(await count(), whole);
    } finally {
      await postgres(async (client) => {
        await client.query(`DROP TABLE IF EXISTS ${table}`);
        await client.query(`DELETE FROM gyre_batch_parts WHERE output = $1`, [table]);
      });
    }
  });
});
