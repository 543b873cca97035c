import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { instantColumn, numberColumn, textColumn } from './column.ts';
import { divideParquet } from './divide.ts';
import { createFrame, takeRows } from './frame.ts';
import { writeParquet } from './parquet.ts';

const rows = 260_000;
const numbers = (of: (i: number) => number) => numberColumn(Float64Array.from({ length: rows }, (_, i) => of(i)));
/** More rows than fit into one row group of a file, with names that the engine has for itself. */
const table = createFrame([
  { name: 'source', type: 'integer', column: numbers((i) => (i % 19 === 0 ? NaN : i)) },
  { name: '#marks 0', column: numbers((i) => (i % 7 === 0 ? NaN : i === 8 ? -0 : i / 3)) },
  { name: 'yes', type: 'boolean', column: numbers((i) => (i % 5 === 0 ? NaN : i % 2)) },
  { name: 'text', column: textColumn(Array.from({ length: rows }, (_, i) => (i % 11 === 0 ? null : `text 𝒳 ${i % 40_000}`))) },
  { name: 'at', column: instantColumn(Float64Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? NaN : i * 1001 - 1e8))) },
]);

describe('dividing a Parquet file', () => {
  test('gives each file the rows that are marked for it, to the very bytes that writing these rows gives', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-divide-'));
    try {
      const source = join(folder, 'source.parquet');
      await writeParquet(table, source);
      // more files than a column of marks has bits; the rows of some overlap
      const belongs: readonly ((row: number) => boolean)[] = [
        (row) => row % 3 > 0,
        (row) => row % 3 === 0 && row % 7 > 0,
        ...Array.from({ length: 8 }, (_, i) => (row: number) => row % 10 === i),
        (row) => row === rows - 1,
      ];
      const targets = belongs.map((_, i) => join(folder, `${i}.parquet`));
      await divideParquet(
        source,
        targets,
        async (give) => {
          for (let start = 0; start < rows; start += 50_001) {
            const length = Math.min(50_001, rows - start);
            await give(belongs.map((does) => Uint8Array.from({ length }, (_, row) => Number(does(start + row)))));
          }
        },
        { spillFolder: folder },
      );
      const all = Int32Array.from({ length: rows }, (_, row) => row);
      for (const [i, does] of belongs.entries()) {
        const expected = join(folder, 'expected.parquet');
        await writeParquet(takeRows(table, all.filter(does)), expected);
        assert.ok((await readFile(targets[i])).equals(await readFile(expected)), `file ${i}`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
