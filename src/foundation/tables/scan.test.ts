import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  concatRows,
  createFrame,
  instantColumn,
  numberColumn,
  queryParquet,
  scanParquet,
  textColumn,
  toRecords,
  writeParquet,
} from './index.ts';
import type { Frame } from './index.ts';
import { withDuck } from './duck.ts';

describe('scanning a Parquet file', () => {
  let folder = '';
  let path = '';
  const rows = 150_000;
  const table = createFrame([
    { name: 'id', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => i)) },
    { name: 'x', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => (i % 7 === 0 ? Number.NaN : i / 3))) },
    {
      name: 'ok',
      type: 'boolean',
      column: numberColumn(Float64Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? Number.NaN : i % 2))),
    },
    { name: 'word', column: textColumn(Array.from({ length: rows }, (_, i) => (i % 11 === 0 ? null : `word ${i % 1000}`))) },
    { name: 'at', column: instantColumn(Float64Array.from({ length: rows }, (_, i) => (i % 13 === 0 ? Number.NaN : i * 1000))) },
  ]);
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-scan-'));
    path = join(folder, 'table.parquet');
    await writeParquet(table, path);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('gives all rows in their order, batch by batch, with the position of each batch', async () => {
    const batches: Frame[] = [];
    const starts: number[] = [];
    const read = await scanParquet(path, (batch, firstRow) => {
      batches.push(batch);
      starts.push(firstRow);
    });
    assert.equal(read, rows);
    assert.deepEqual(starts, [0, 61_440, 122_880]);
    const whole = concatRows(batches);
    assert.deepEqual(whole.schema, table.schema);
    assert.deepEqual(whole.numbers('id'), table.numbers('id'));
    assert.deepEqual(whole.numbers('x'), table.numbers('x'));
    assert.deepEqual(toRecords(whole, { start: 100_000, end: 100_100 }), toRecords(table, { start: 100_000, end: 100_100 }));
  });

  test('gives the columns that are asked for, in that order, and waits for whoever takes a batch', async () => {
    let busy = 0;
    const names = new Set<string>();
    await scanParquet(
      path,
      async (batch) => {
        assert.equal(++busy, 1);
        await new Promise((resolve) => setImmediate(resolve));
        names.add(batch.names.join());
        busy--;
      },
      { columns: ['word', 'id'], batchRows: 4096 },
    );
    assert.deepEqual([...names], ['word,id']);
    await assert.rejects(
      scanParquet(path, () => undefined, { columns: ['nope'] }),
      { code: 'INVALID_ARGUMENT', message: /no column "nope"/ },
    );
  });

  test('pushes a condition down, and ends with what the taker throws', async () => {
    assert.equal(await scanParquet(path, () => undefined, { where: '"id" >= 149990' }), 10);
    await assert.rejects(
      scanParquet(path, () => {
        throw new RangeError('enough');
      }),
      /enough/,
    );
  });

  test('an integer beyond 2^53 is refused with its row in the file', async () => {
    const wide = join(folder, 'wide.parquet');
    await withDuck({ files: [wide] }, (duck) =>
      duck.run(`COPY (SELECT CASE WHEN range = 70000 THEN 9007199254740993 ELSE range END AS w FROM range(80000)) TO '${wide}'`),
    );
    await assert.rejects(
      scanParquet(wide, () => undefined),
      { code: 'INVALID_ARGUMENT', message: /column "w", row 70000: an integer beyond 2\^53/ },
    );
  });

  test('SQL runs over files by their names', async () => {
    const sums = await queryParquet('SELECT count(*) AS n, count(x) AS present FROM t WHERE word IS NOT NULL', { t: path });
    const expected = toRecords(table).filter(({ word }) => word !== null);
    assert.deepEqual(toRecords(sums), [{ n: expected.length, present: expected.filter(({ x }) => x !== null).length }]);
    await assert.rejects(queryParquet('SELECT nope FROM t', { t: path }), { code: 'INVALID_ARGUMENT', message: /the query failed/ });
    await writeFile(join(folder, 'no.parquet'), 'a\n1\n');
    await assert.rejects(queryParquet('SELECT 1 AS one', { t: join(folder, 'no.parquet') }), { message: /cannot be read as Parquet/ });
  });

  test('a query larger than its memory spills into its folder alone, and leaves nothing there', async () => {
    const sql = 'SELECT max(n) AS n, count(*) AS m FROM (SELECT md5(range::VARCHAR) AS d, count(*) AS n FROM range(3000000) GROUP BY d)';
    await assert.rejects(queryParquet(sql, {}, { memoryLimitMib: 48, threads: 1 }), { code: 'RESOURCE_EXHAUSTED' });
    const spill = join(folder, 'spill');
    await mkdir(spill);
    const found = await queryParquet(sql, {}, { memoryLimitMib: 96, threads: 1, spillFolder: spill });
    assert.deepEqual(toRecords(found), [{ n: 1, m: 3_000_000 }]);
    assert.deepEqual(await readdir(spill), []);
  });

  test('an instant with a zone is read as UTC', async () => {
    const zoned = join(folder, 'zoned.parquet');
    await withDuck({ files: [zoned] }, (duck) => duck.run(`COPY (SELECT TIMESTAMPTZ '2026-01-31 12:00:00+02' AS w) TO '${zoned}'`));
    const seen: unknown[] = [];
    await scanParquet(zoned, (batch) => void seen.push(...toRecords(batch)));
    assert.deepEqual(seen, [{ w: '2026-01-31T10:00:00.000Z' }]);
  });
});
