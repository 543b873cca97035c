import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createFrame, numberColumn, readParquet, textColumn, toRecords, writeParquet } from './index.ts';
import { joinParquet, rawParquet, withRowRange } from './row-range.ts';

describe('a range of a Parquet file’s rows', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-range-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const rows = 300_000;
  const written = async (): Promise<string> => {
    const path = join(folder, 'rows.parquet');
    const values = Float64Array.from({ length: rows }, (_, i) => (i % 7 === 3 ? NaN : i));
    const names = textColumn(Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? null : `name ${i % 11}`)));
    await writeParquet(
      createFrame([
        { name: 'x', column: numberColumn(values) },
        { name: 'name', column: names },
      ]),
      path,
    );
    return path;
  };

  it('is read in order and written with what was added, row for row, also across row groups', async () => {
    const path = await written();
    const [start, end] = [120_000, 250_001];
    const parts = [join(folder, 'a.parquet'), join(folder, 'b.parquet')];
    for (const [at, [from, to]] of [
      [start, 200_000],
      [200_000, end],
    ].entries()) {
      await withRowRange(path, { start: from, end: to, folder }, async (range) => {
        assert.equal(range.rows, to - from);
        const seen: number[] = [];
        await range.batches(['x'], 8192, (batch, first) => {
          assert.equal(first, seen.length);
          seen.push(...batch.numbers('x'));
        });
        assert.deepEqual(
          seen.slice(0, 3),
          Array.from({ length: 3 }, (_, i) => ((from + i) % 7 === 3 ? NaN : from + i)),
        );
        await range.addNumbers([Float64Array.from(seen, (x) => x * 2)]);
        await range.addTexts([seen.map((x) => (Number.isNaN(x) ? 'missing' : null))]);
        await range.write(
          ['name', 'x'],
          [
            { name: 'double', sql: `CASE WHEN isnan("#n0") THEN NULL ELSE "#n0" END` },
            { name: 'why', sql: '"#t0"' },
            { name: 'row', sql: '"#row"' },
          ],
          { file: parts[at] },
        );
      });
    }
    const whole = join(folder, 'whole.parquet');
    await joinParquet(whole, parts);
    const records = toRecords(await readParquet(whole));
    assert.equal(records.length, end - start);
    for (const [at, record] of records.entries()) {
      const i = start + at;
      const isMissing = i % 7 === 3;
      const expected = {
        name: i % 5 === 0 ? null : `name ${i % 11}`,
        x: isMissing ? null : i,
        double: isMissing ? null : i * 2,
        why: isMissing ? 'missing' : null,
        row: i,
      };
      if (JSON.stringify(record) !== JSON.stringify(expected)) assert.deepEqual(record, expected);
    }
  });

  it('says what a file holds, and refuses one that has fewer rows than were counted', async () => {
    const path = await written();
    assert.deepEqual(await rawParquet(path), {
      rows,
      columns: [
        { name: 'x', sqlType: 'DOUBLE', type: 'number' },
        { name: 'name', sqlType: 'VARCHAR', type: 'string' },
      ],
    });
    await assert.rejects(
      withRowRange(path, { start: rows - 5, end: rows + 5, folder }, () => Promise.resolve()),
      (error: { code?: string }) => error.code === 'DATA_LOSS',
    );
    await assert.rejects(
      rawParquet(join(folder, '..', 'nothing.parquet')),
      (error: { code?: string }) => error.code === 'INVALID_ARGUMENT',
    );
  });

  it('is written in a folder for each value, as Hive does', async () => {
    const path = await written();
    const to = join(folder, 'by-name');
    await withRowRange(path, { start: 0, end: 1000, folder }, (range) =>
      range.write(['name', 'x'], [], { folder: to, partitionBy: ['name'], name: 'part-00000' }),
    );
    const file = join(to, 'name=name%203', 'part-00000-0.parquet');
    assert.ok((await readFile(file)).length > 0);
    assert.deepEqual(
      toRecords(await readParquet(file)).map(({ x }) => x),
      Array.from({ length: 1000 }, (_, i) => i)
        .filter((i) => i % 11 === 3 && i % 5 !== 0)
        .map((i) => (i % 7 === 3 ? null : i)),
    );
  });
});
