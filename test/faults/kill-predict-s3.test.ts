import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readParquet, toRecords } from '#tables';
import { gyre, temporaryFolder, type Ended, type Place } from '../harness/gyre-fixture.ts';
import { customersToPredict } from '../harness/predict-table-fixture.ts';
import { s3Missing, testBucket, type TestBucket } from '../harness/s3-bucket-fixture.ts';

const rows = 6000;

describe('a batch prediction into a bucket of a real S3 server', { skip: s3Missing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let bucket: TestBucket;
  let bad = 0;
  before(async () => {
    folder = await temporaryFolder();
    bucket = await testBucket();
    ({ bad } = await customersToPredict(folder.path, rows));
  });
  after(() => folder[Symbol.asyncDispose]());

  const place = (fault?: string): Place => ({
    cwd: folder.path,
    env: {
      AWS_ACCESS_KEY_ID: bucket.accessKeyId,
      AWS_SECRET_ACCESS_KEY: bucket.secretAccessKey,
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_CONFIG_FILE: '/dev/null',
      GYRE_S3_ENDPOINT: bucket.endpoint,
      ...(fault === undefined ? {} : { GYRE_FAULT: fault }),
    },
  });
  const predict = (fault: string | undefined, ...more: readonly string[]): Promise<Ended> =>
    gyre(
      ['predict', '--model', 'model', '--input', 'customers.csv', '--ids', '--part-rows', '2048', '--workers', '1', ...more, '--json'],
      place(fault),
    );
  /** The objects below a prefix, without it. */
  const below = async (prefix: string): Promise<string[]> =>
    (await bucket.keys()).filter((key) => key.startsWith(`${prefix}/`)).map((key) => key.slice(prefix.length + 1));
  const output = (prefix: string): string[] => ['--output', `s3://${bucket.bucket}/${prefix}`, '--partition-by', 'contract'];

  test('killed again and again it shows no _SUCCESS before it is whole, goes on, and every row is there once', async () => {
    let kills = 0;
    for (; ; kills++) {
      const ended = await predict('*:11', ...output('killed'));
      if (ended.signal === null) {
        assert.equal(ended.code, 0, ended.stderr);
        const answer = JSON.parse(ended.stdout) as { rows: number; predicted: number; failed: number };
        assert.deepEqual([answer.rows, answer.predicted, answer.failed], [rows, rows - bad, bad]);
        break;
      }
      assert.equal(ended.signal, 'SIGKILL', ended.stderr);
      // the last point that it passes is the one before the marker is written
      assert.ok(!(await below('killed')).includes('_SUCCESS'));
      assert.ok(kills < 20, 'it gets no further');
    }
    assert.ok(kills > 0, 'it was never killed');
    const keys = await below('killed');
    assert.ok(keys.includes('_SUCCESS') && !keys.includes('_gyre_plan'));
    const parquet = keys.filter((key) => key.endsWith('.parquet'));
    assert.equal(parquet.length, keys.length - 1);
    // names of folders are encoded as pyarrow and DuckDB read them
    assert.deepEqual(
      [...new Set(parquet.map((key) => decodeURIComponent(key.split('/')[0] ?? '')))].sort(),
      ['contract=Month-to-month', 'contract=One year', 'contract=Two year', 'contract=__HIVE_DEFAULT_PARTITION__'].sort(),
    );
    const seen = await rowsBelow('killed', parquet);
    assert.equal(seen.length, rows);
    assert.equal(new Set(seen.map(({ id }) => id)).size, rows);
    assert.equal(new Set(seen.map(({ prediction_id: id }) => id)).size, rows);
    assert.equal(seen.filter(({ prediction_error: error }) => error !== null).length, bad);
  });

  test('what is there is refused, and replaced when that is said; rows of a bucket are read too', async () => {
    const again = await predict(undefined, ...output('killed'));
    assert.match(again.stderr, /holds an output already: --replace replaces it/);
    assert.notEqual(again.code, 0);
    const replaced = await predict(undefined, ...output('killed'), '--replace');
    assert.equal(replaced.code, 0, replaced.stderr);
    assert.ok((await below('killed')).includes('_SUCCESS'));
    await bucket.ask('PUT', 'in/customers.csv', '', 'id,tenure,charges,senior,contract\n1,3,20,true,One year\n2,none,20,true,One year\n');
    const ended = await gyre(
      ['predict', '--model', 'model', '--input', `s3://${bucket.bucket}/in/customers.csv`, '--output', 'from-bucket.csv', '--json'],
      place(),
    );
    assert.equal(ended.code, 0, ended.stderr);
    assert.partialDeepStrictEqual(JSON.parse(ended.stdout), { rows: 2, predicted: 1, failed: 1 });
  });

  /** All rows as the engine of tables reads them out of the objects’ bytes. */
  async function rowsBelow(prefix: string, keys: readonly string[]): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    for (const [at, key] of keys.entries()) {
      const path = join(folder.path, `object-${at}.parquet`);
      await writeFile(path, await bucket.bytes([prefix, ...key.split('/')].map(encodeURIComponent).join('/')));
      found.push(...toRecords(await readParquet(path)));
    }
    return found;
  }
});
