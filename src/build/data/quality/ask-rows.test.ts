import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TableSchema } from '#contract';
import { createFrame, instantColumn, numberColumn, textColumn, writeParquet } from '#tables';
import { validateFrame, validateParquet } from '../validate.ts';

const rows = 5000;
const numbers = (of: (i: number) => number) => numberColumn(Float64Array.from({ length: rows }, (_, i) => of(i)));
const texts = (of: (i: number) => string | null) => textColumn(Array.from({ length: rows }, (_, i) => of(i)));

/** Every kind of check, each failing in some rows, with missing values, signs of SQL, characters of four bytes and zeros of both signs. */
const table = createFrame([
  { name: 'id', type: 'integer', column: numbers((i) => (i % 1700 === 3 ? 3 : i)) },
  { name: 'real', column: numbers((i) => (i % 13 === 0 ? NaN : i === 8 ? -0 : i === 9 ? 0 : i === 11 ? Infinity : i / 7)) },
  { name: 'a "b"', column: numbers((i) => (i % 3 === 0 ? NaN : (i * 31) % 97)) },
  { name: 'yes', type: 'boolean', column: numbers((i) => (i % 5 === 0 ? NaN : i % 2)) },
  { name: 'kind', column: texts((i) => (i % 11 === 0 ? null : ["it's", 'ä', '𝒳𝒴', '', 'plain'][i % 5])) },
  { name: 'code', column: texts((i) => (i % 900 === 5 ? 'C-05' : `C${String(i).padStart(6, '0')}`)) },
  {
    name: 'at',
    column: instantColumn(Float64Array.from({ length: rows }, (_, i) => (i % 17 === 0 ? NaN : 1e12 + (i % 400 === 9 ? -5 : i) * 1000))),
  },
]);
const schema: TableSchema = {
  columns: [
    { name: 'id', type: 'integer', unique: true, min: 4, max: 4990, order: 'strictly_rising' },
    { name: 'real', type: 'number', min: 0.1, max: 600.5, unique: true, order: 'rising', nullable: false },
    { name: 'a "b"', type: 'number', max: 90, maxMissing: 0.1, order: 'falling' },
    { name: 'yes', type: 'boolean' },
    { name: 'kind', type: 'string', categories: ["it's", 'ä'], minLength: 1, maxLength: 2, unique: true },
    { name: 'code', type: 'string', pattern: 'C[0-9]{6}', unique: true },
    { name: 'at', type: 'instant', earliest: '2001-09-09T01:46:50Z', latest: '2001-09-09', order: 'rising' },
  ],
  keys: [
    ['kind', 'a "b"'],
    ['id', 'code'],
  ],
  rules: [
    'id >= real',
    { rule: 'real != 3', when: "kind = 'ä'" },
    { rule: 'yes = 1', when: 'id > 20' },
    "at > '2001-09-09T02:00:00Z'",
    "kind != 'ä'",
  ],
};

describe('a table that an engine holds', () => {
  test('is judged as the same table in memory is, check by check', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-asked-'));
    try {
      const path = join(folder, 'rows.parquet');
      await writeParquet(table, path);
      const inMemory = validateFrame(table, schema, { masked: new Set(['code']) });
      const asked = await validateParquet(path, schema, { masked: new Set(['code']) });
      assert.deepEqual(asked, inMemory);
      const failing = new Set(asked.filter(({ failing: count }) => count > 0).map(({ name }) => name.split(':')[0]));
      assert.deepEqual([...failing].sort(), ['categories', 'key', 'length', 'missing', 'order', 'pattern', 'range', 'rule', 'unique']);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
