import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '#core';
import {
  createFrame,
  instantColumn,
  numberColumn,
  parquetInfo,
  query,
  readCsv,
  readParquet,
  textColumn,
  toRecords,
  writeCsv,
  writeParquet,
} from './index.ts';
import { withDuck } from './duck.ts';

describe('Parquet', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-tables-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);

  const mixed = createFrame([
    { name: 'i', type: 'integer', column: numberColumn(Float64Array.of(1, NaN, -9007199254740991)) },
    { name: 'n "quoted"', column: numberColumn(Float64Array.of(0.1, 5e-324, NaN)) },
    { name: 'b', type: 'boolean', column: numberColumn(Float64Array.of(1, 0, NaN)) },
    { name: 't', column: textColumn(['a long text beyond twelve bytes, ünïcode', null, '']) },
    { name: 'w', column: instantColumn(Float64Array.of(Date.UTC(2026, 0, 31), NaN, -1)) },
  ]);

  test('keeps values, types and missing cells', async () => {
    await writeParquet(mixed, path('mixed.parquet'));
    const back = await readParquet(path('mixed.parquet'));
    assert.deepEqual(back.schema, mixed.schema);
    assert.deepEqual(toRecords(back), toRecords(mixed));
    assert.deepEqual(await parquetInfo(path('mixed.parquet')), { rows: 3, schema: mixed.schema });
    assert.deepEqual((await readParquet(path('mixed.parquet'), { columns: ['t', 'i'] })).names, ['t', 'i']);
  });

  test('gives the same bytes for the same rows on each run, over several row groups, with less memory, and when a file is replaced', async () => {
    const { frame } = readCsv(await readFile('examples/churn/data/telco-churn.csv'));
    const big = createFrame([
      { name: 'x', column: numberColumn(Float64Array.from({ length: 300_000 }, (_, i) => Math.sqrt(i))) },
      { name: 't', column: textColumn(Array.from({ length: 300_000 }, (_, i) => `v${i % 97}`)) },
    ]);
    for (const [name, rows] of [
      ['churn', frame],
      ['big', big],
    ] as const) {
      const digests = new Set<string>();
      for (const memoryLimitMib of [2048, 256, 2048]) {
        await writeParquet(rows, path(`${name}.parquet`), { memoryLimitMib });
        digests.add(sha256(await readFile(path(`${name}.parquet`))));
      }
      assert.equal(digests.size, 1);
    }
    const back = await readParquet(path('churn.parquet'));
    assert.equal(writeCsv(back), writeCsv(frame));
    assert.deepEqual((await readParquet(path('big.parquet'))).numbers('x'), big.numbers('x'));
  });

  test('keeps a table without rows', async () => {
    const none = createFrame([{ name: 'x', column: numberColumn(new Float64Array()) }]);
    await writeParquet(none, path('none.parquet'));
    assert.equal((await readParquet(path('none.parquet'))).rows, 0);
  });

  test('refuses what is no Parquet file, a missing column, and types that have no place in a table', async () => {
    await writeFile(path('text.parquet'), 'a,b\n1,2\n');
    await assert.rejects(readParquet(path('text.parquet')), { code: 'INVALID_ARGUMENT', message: /cannot be read as Parquet/ });
    await writeParquet(mixed, path('columns.parquet'));
    await assert.rejects(readParquet(path('columns.parquet'), { columns: ['x'] }), { message: /no column "x"; the columns are/ });
    await withDuck({ files: [path('list.parquet')] }, (duck) => duck.run(`COPY (SELECT [1, 2] AS l, 1 AS k) TO '${path('list.parquet')}'`));
    await assert.rejects(readParquet(path('list.parquet')), { message: /column "l" has type INTEGER\[\], which has no place/ });
    assert.equal((await readParquet(path('list.parquet'), { columns: ['k'] })).rows, 1);
    await withDuck({ files: [path('wide.parquet')] }, (duck) =>
      duck.run(`COPY (SELECT 9007199254740993 AS w) TO '${path('wide.parquet')}'`),
    );
    await assert.rejects(readParquet(path('wide.parquet')), { message: /column "w", row 0: an integer beyond 2\^53/ });
  });

  test('says which file cannot be written', async () => {
    await assert.rejects(writeParquet(mixed, path('no/such/folder.parquet')), {
      code: 'FAILED_PRECONDITION',
      message: /cannot write .*folder\.parquet/,
    });
  });

  test('says that the disk is full', { skip: existsSync('/dev/full') ? false : 'there is no /dev/full' }, async () => {
    await assert.rejects(writeParquet(mixed, '/dev/full'), { code: 'RESOURCE_EXHAUSTED', message: /No space left/ });
  });

  test('says that memory ran out', async () => {
    const sql = 'SELECT range AS r, md5(range::VARCHAR) AS m FROM range(3000000) ORDER BY m';
    await assert.rejects(query(sql, {}, { memoryLimitMib: 32 }), { code: 'RESOURCE_EXHAUSTED', message: /Out of Memory/ });
  });

  test('runs SQL over frames, and the engine reaches no file, extension or setting', async () => {
    const { frame } = readCsv(Buffer.from('k,x\na,1\nb,2\na,3\n'));
    const sums = await query('SELECT k, sum(x)::DOUBLE AS total FROM t GROUP BY k ORDER BY k', { t: frame });
    assert.deepEqual(toRecords(sums), [
      { k: 'a', total: 4 },
      { k: 'b', total: 2 },
    ]);
    await writeFile(path('secret.csv'), 'a\n1\n');
    for (const sql of [
      `SELECT * FROM read_csv('${path('secret.csv')}')`,
      `SELECT * FROM '${path('mixed.parquet')}'`,
      "SELECT * FROM glob('/*')",
    ]) {
      await assert.rejects(query(sql, {}), { code: 'INVALID_ARGUMENT', message: /disabled by configuration|Permission/ });
    }
    await withDuck({ files: [] }, async (duck) => {
      await assert.rejects(duck.run('SET enable_external_access = true'), /locked/);
      await assert.rejects(duck.run('INSTALL httpfs'), /disabled|Permission|locked/);
      await assert.rejects(duck.run(`COPY (SELECT 1) TO '${path('out.csv')}'`), /disabled|Permission/);
    });
  });
});
