import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { TableSchema } from '#contract';
import { openBench } from '../testing.ts';
import { compareFile, inferFile } from './of-file.ts';

const now = Date.UTC(2026, 10, 1);

describe('a data file', () => {
  test('suggests a schema whatever its format, and leaves nothing behind', async () => {
    await using bench = await openBench();
    const csv = `id;day;rate\n${Array.from({ length: 40 }, (_, i) => `${i};2026-01-${String((i % 28) + 1).padStart(2, '0')};0,${i}`).join('\n')}\n`;
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('gyre-schema-'));
    const { schema, rows, text } = await inferFile(
      await bench.file('rows.csv.gz', gzipSync(csv)),
      { now, key: 'id' },
      { dialect: { decimal: ',' } },
    );
    assert.equal(rows, 40);
    assert.deepEqual(schema.columns, [
      { name: 'id', type: 'integer', nullable: false, unique: true },
      { name: 'day', type: 'instant', nullable: false },
      { name: 'rate', type: 'number', nullable: false, min: 0, max: 1 },
    ]);
    assert.match(text, /^# What every version of rows\.csv\.gz has to fit/);
    const lines = await inferFile(await bench.file('rows.jsonl', '{"a": 1}\n{"a": 2.5}\n'), { now });
    assert.deepEqual(lines.schema.columns[0]?.type, 'number');
    await assert.rejects(inferFile(await bench.file('empty.csv', 'a,b\n'), { now }), { code: 'INVALID_ARGUMENT', message: /no rows/ });
    await assert.rejects(inferFile(await bench.file('x.txt', 'a,b\n'), { now }), { message: /the format cannot be told/ });
    await assert.rejects(inferFile(await bench.file('k.csv', 'a\n1\n'), { now, key: 'b' }), { message: /no column "b"/ });
    assert.deepEqual(
      (await readdir(tmpdir())).filter((name) => name.startsWith('gyre-schema-')),
      before,
    );
  });

  test('is read with the types of the schema, and with its own where a value is none of them', async () => {
    await using bench = await openBench();
    const reviewed: TableSchema = {
      columns: [
        { name: 'zip', type: 'string' },
        { name: 'yes', type: 'boolean' },
        { name: 'size', type: 'integer' },
      ],
    };
    const fits = await compareFile(await bench.file('a.csv', 'zip,yes,size\n01234,true,3\n12345,false,4\n'), reviewed, { now });
    assert.deepEqual([fits.fits, fits.rows], [true, 2], 'a zip code keeps its zero');
    const broken = await compareFile(await bench.file('b.csv', 'zip,yes,size\n01234,true,3\n12345,false,large\n'), reviewed, { now });
    assert.equal(broken.fits, false);
    assert.ok(
      broken.differences.some(
        ({ member, message }) => member === 'type: size' && /size reads as string, the schema wants integer/.test(message),
      ),
    );
  });
});
