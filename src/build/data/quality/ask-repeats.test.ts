import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createFrame, numberColumn, textColumn, withParquet, writeParquet } from '#tables';
import type { OpenTables } from '#tables';
import { askContradictions } from './ask-contradictions.ts';
import { lookForRepeats, repeatsOf } from './ask-repeats.ts';
import { globOf } from './row-sql.ts';

const rows = 4000;
const table = createFrame([
  { name: 'id', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => i - 1000)) },
  { name: 'most', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => (i % 1000 === 999 ? i - 2 : i))) },
  { name: 'some', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => (i % 2 ? NaN : i))) },
  { name: 'text', column: textColumn(Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? null : `text ${i % 3999}`))) },
  { name: 'few', column: textColumn(Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? null : `few ${i % 4}`))) },
]);

async function asked<T>(work: (tables: OpenTables) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-repeats-'));
  try {
    const path = join(folder, 'rows.parquet');
    await writeParquet(table, path);
    return await withParquet({ whole: path }, work, { spillFolder: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('repeated rows of a table that an engine holds', () => {
  test('are seen by a row of bits, by sorting and by counting alike', async () => {
    await asked(async (tables) => {
      for (const [columns, areAllDifferent, count] of [
        [['id'], true, 0],
        [['most'], false, 4],
        [['some'], true, 0],
        [['text'], true, 0],
        [['few'], false, 2662],
        [['id', 'few'], true, 0],
      ] as const) {
        const { missing } = await tables.counts('whole');
        const applied = rows - Math.max(...columns.map((name) => missing.get(name) ?? 0));
        const sql = { repeats: columns, missing: 'left_out' } as const;
        for (const most of [{}, { marked: 0 }, { marked: 0, sorted: 0 }]) {
          const look = await lookForRepeats(tables, sql, applied, [], most);
          assert.equal(look.areAllDifferent(), areAllDifferent, `${columns.join()} ${JSON.stringify(most)}`);
        }
        const all = await repeatsOf(tables, sql, Infinity);
        const first = await repeatsOf(tables, sql, 3);
        assert.deepEqual([all.count, all.positions.length, first.count], [count, count, count]);
        assert.deepEqual(first.positions, all.positions.slice(0, 3));
      }
    });
  });

  test('count where missing values are alike, and other conditions are counted on the way', async () => {
    await asked(async (tables) => {
      const sql = { repeats: ['text'], missing: 'alike' } as const;
      const look = await lookForRepeats(tables, sql, rows, ['"few" IS NULL', '"id" < 0']);
      assert.deepEqual([look.areAllDifferent(), look.counts], [false, [1334, 1000]]);
      assert.deepEqual(await repeatsOf(tables, sql, 2), { count: 799, positions: Float64Array.of(5, 10) });
    });
  });

  test('contradict each other where they are alike in features and differ in the target', async () => {
    await asked(async (tables) => {
      const none = await askContradictions(tables, ['id'], 'few', 5);
      assert.deepEqual([none.applied, none.torn, none.count, none.rows], [2666, 0, 0, []]);
      const torn = await askContradictions(tables, ['few'], 'most', 2);
      assert.deepEqual([torn.applied, torn.torn, torn.count], [rows, 5, rows]);
      assert.deepEqual(torn.rows, [
        { at: 3, first: 0 },
        { at: 5, first: 1 },
      ]);
      assert.deepEqual(torn.shown.numbers('most'), Float64Array.of(3, 5));
    });
  });
});

describe('a pattern', () => {
  test('of signs and classes with fixed counts is a GLOB that matches the same texts', async () => {
    const texts = ['C01', 'C-1', 'c01', 'C0', 'C012', 'C0\u00e9', 'C0\n', '*01', 'C.1', '', 'C 1', 'Cx1', 'C(]'];
    const patterns = [
      'C[0-9]{2}',
      'C\\d\\d',
      'C[0-9A-Fx_ ][1]',
      'C\\.1',
      'C-1',
      'C[ab0]{1}1',
      'C',
      '(C)',
      'C.1',
      'C[0-9]+',
      'C\\*1',
      'C0{2}',
    ];
    const globs = patterns.map(globOf);
    assert.deepEqual(globs, [
      'C[0-9][0-9]',
      'C[0-9][0-9]',
      'C[0-9A-Fx_ ][1]',
      'C.1',
      'C-1',
      'C[ab0]1',
      'C',
      undefined,
      undefined,
      undefined,
      undefined,
      'C00',
    ]);
    await asked(async (tables) => {
      for (const [i, glob] of globs.entries()) {
        if (glob === undefined) continue;
        const literal = (text: string): string => `'${text}'`;
        const answers = await tables.numbers(
          `SELECT ${texts.map((text) => `(${literal(text)} GLOB ${literal(glob)})::INTEGER`).join(', ')}`,
        );
        const expected = texts.map((text) => Number(new RegExp(`^(?:${patterns[i]})$`, 'u').test(text)));
        assert.deepEqual(answers, expected, patterns[i]);
      }
    });
  });
});
