import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { SplitStrategy } from '#contract';
import { messageOf } from '#core';
import { concatRows, createFrame, instantColumn, numberColumn, readParquet, takeRows, textColumn, writeParquet } from '#tables';
import type { Frame } from '#tables';
import { frameBatches, openBatches } from '../quality/batches.ts';
import type { Batches } from '../quality/batches.ts';
import { classBorders } from './class-borders.ts';
import { byChance, openDealer } from './deal.ts';
import type { Deal } from './deal.ts';
import { partRanges, placeOf } from './hash-split.ts';
import { refuseBadKeys } from './key-check.ts';
import { valuesAtRanks } from './ranks.ts';
import { reportOfSplit } from './split-report.ts';
import { classTally, openClasses, stratificationOf } from './stratification.ts';

const rows = 70_000;
const mix = (i: number): number => Math.imul(i + 1, 0x9e3779b1) >>> 0;
const numbers = (of: (i: number) => number) => numberColumn(Float64Array.from({ length: rows }, (_, i) => of(i)));
const texts = (of: (i: number) => string | null) => textColumn(Array.from({ length: rows }, (_, i) => of(i)));
/** Two batches. */
const table = createFrame([
  { name: 'id', type: 'integer', column: numbers((i) => i) },
  { name: 'real', column: numbers((i) => (i % 13 === 0 ? NaN : i === 8 ? -0 : mix(i) / 7e6)) },
  { name: 'patient', column: texts((i) => (i % 11 === 0 ? null : `p${mix(i) % 900}`)) },
  { name: 'latitude', column: numbers((i) => (i % 500 === 0 ? NaN : 45 + ((mix(i) >>> 8) % 500) / 100)) },
  { name: 'longitude', column: numbers((i) => 5 + ((mix(i) >>> 16) % 500) / 100) },
  { name: 'seen', column: instantColumn(Float64Array.from({ length: rows }, (_, i) => 1e12 + (mix(i) % 5000) * 1e6)) },
  { name: 'ill', column: texts((i) => (i > 65_000 && i % 3 === 0 ? 'late' : mix(i) % 9 === 0 ? null : mix(i) % 5 === 0 ? 'yes' : 'no')) },
]);
const by = (strategy: SplitStrategy['strategy'], columns: string[], more: Partial<SplitStrategy> = {}): SplitStrategy => ({
  strategy,
  columns,
  ...more,
});
const sets: Deal['sets'] = [
  { set: 'chance', strategy: byChance, share: 0.1 },
  { set: 'ill', strategy: by('stratified', ['ill']), share: 0.2 },
  { set: 'patients', strategy: by('group', ['patient']), share: 0.1 },
  { set: 'newest', strategy: by('time', ['seen']), share: 0.1 },
  { set: 'squares', strategy: by('location', ['latitude', 'longitude'], { cell: 0.5 }), share: 0.1 },
];

/** The table as a file of which no more than a batch is in memory. */
async function asFile<T>(frame: Frame, work: (batches: Batches) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-bounded-'));
  try {
    const path = join(folder, 'rows.parquet');
    await writeParquet(frame, path);
    return await work((await openBatches(path, () => readParquet(path), { cells: 0, folder })).batches);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('a table that is not read into memory', () => {
  const deals: Readonly<Record<string, Deal>> = {
    key: { key: 'id', salt: 's', sets },
    'all values': { salt: 's', sets },
    groups: { key: 'id', salt: 's', strategy: by('group', ['patient']), sets: sets.slice(0, 2) },
    time: { key: 'id', salt: 's', strategy: by('time', ['seen']), sets },
  };
  for (const [name, deal] of Object.entries(deals)) {
    test(`is dealt by ${name} as the same table in memory is, borders and all`, async () => {
      const ranges = partRanges({ train: 0.7, validation: 0.15, test: 0.15 });
      const kept = { sets: new Map() };
      const whole = await openDealer(frameBatches(table), deal, ranges, kept);
      const expected = whole.deal(table);
      await asFile(table, async (batches) => {
        const dealer = await openDealer(batches, deal, ranges, kept);
        assert.deepEqual([dealer.borders, dealer.setBorders], [whole.borders, whole.setBorders]);
        await batches.each(dealer.reads, (batch, first) => {
          const { parts, sets: taken } = dealer.deal(batch);
          assert.deepEqual(parts, expected.parts.slice(first, first + batch.rows));
          taken.forEach((marks, i) => assert.deepEqual(marks, expected.sets[i].slice(first, first + batch.rows)));
        });
      });
    });
  }

  test('is refused for its keys with the words that the same table in memory is', async () => {
    const positions = Int32Array.from([5, 6, 6, 7, 8, 5, 5, 9]);
    const refusal = async (batches: Batches, key: string): Promise<string> =>
      refuseBadKeys(batches, key).then(
        () => 'none',
        (error: unknown) => messageOf(error),
      );
    for (const [frame, key] of [
      [table, 'id'],
      [table, 'patient'],
      [takeRows(table, positions), 'id'],
      [takeRows(table, positions), 'seen'],
      [concatRows([table, table]), 'id'],
    ] as const) {
      const expected = await refusal(frameBatches(frame), key);
      assert.equal(await asFile(frame, (batches) => refusal(batches, key)), expected);
    }
    assert.match(
      await refusal(frameBatches(takeRows(table, positions)), 'id'),
      /row 4 repeats that of row 3, row 7 repeats that of row 2, /,
    );
  });

  test('has the same classes by part: texts, few numbers and quarters of many', async () => {
    const side = (row: number): number => mix(row) % 3;
    for (const column of ['ill', 'real', 'seen']) {
      const figures = async (batches: Batches): Promise<unknown> => {
        const classes = await openClasses(batches, column);
        const tally = classTally(classes.names);
        await batches.each([column], (batch, first) => tally.add(classes.codesOf(batch), (row) => side(first + row)));
        return [classes.names, [0, 1, 2].map((part) => tally.sharesOn(part)), stratificationOf(tally, classes, column)];
      };
      assert.deepEqual(await asFile(table, figures), await figures(frameBatches(table)), column);
    }
  });

  test('has the same report of its sides', async () => {
    const split = { id: 's', dataset: 'd', version: '', key: 'id', salt: '', parts: [], createdAt: '' };
    const strategies = [byChance, by('group', ['patient']), by('location', ['latitude', 'longitude'], { cell: 0.5 })];
    const left = Int32Array.from({ length: rows }, (_, i) => i).filter((i) => i % 2 === 0);
    const right = left.map((i) => i + 1);
    for (const strategy of strategies) {
      const report = (a: Batches, b: Batches) =>
        reportOfSplit(split, [
          { name: 'a', kind: 'part', strategy, open: async () => a },
          { name: 'b', kind: 'part', strategy, open: async () => b },
        ]);
      const frames = [left, right].map((positions) => takeRows(table, positions));
      const expected = await report(frameBatches(frames[0]), frameBatches(frames[1]));
      assert.deepEqual(await asFile(frames[0], (a) => asFile(frames[1], (b) => report(a, b))), expected);
    }
  });
});

describe('numbers by rank', () => {
  test('are those of the sorted list, however few may be in memory', async () => {
    const lists = {
      spread: Float64Array.from({ length: 5000 }, (_, i) => mix(i) / 1e3 - 1e6),
      crowded: Float64Array.from({ length: 5000 }, (_, i) => (i % 50 === 0 ? mix(i) : 7)),
      far: Float64Array.from({ length: 5000 }, (_, i) => (i % 2 ? 1 : -1) * Number.MAX_VALUE * ((mix(i) % 97) / 97)),
      alike: new Float64Array(5000).fill(3),
    };
    const ranks = [0, 1, 2499, 4950, 4999];
    for (const [name, list] of Object.entries(lists)) {
      const rising = list.toSorted();
      for (const most of [10_000, 100]) {
        const found = await valuesAtRanks(
          async (take) => {
            for (let start = 0; start < list.length; start += 999) take(list.slice(start, start + 999));
          },
          () => ranks,
          most,
        );
        assert.deepEqual(
          found,
          Array.from(ranks, (rank) => rising[rank]),
          `${name} ${most}`,
        );
      }
    }
    assert.deepEqual(
      await valuesAtRanks(
        async () => undefined,
        () => [0],
      ),
      [],
    );
  });
});

describe('borders of classes', () => {
  test('are the same when only places near the share are kept, and when those were not near enough', async () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => String(i));
    const classOf = (key: string): string => (Number(key) % 40 === 0 ? 'rare' : placeOf(key, 's') < 0.6 ? 'low' : 'high');
    let looks = 0;
    const borders = (most?: number) =>
      classBorders(
        async (take) => {
          looks++;
          for (const key of keys) take(classOf(key), key);
        },
        0.2,
        's',
        most,
      );
    const expected = await borders();
    assert.equal(looks, 1);
    assert.deepEqual(await borders(1000), expected);
    assert.ok(looks > 2, 'the class of high places has its border far from the share');
    for (const name of ['rare', 'low', 'high']) {
      const own = keys.filter((key) => classOf(key) === name);
      assert.equal(own.filter((key) => placeOf(key, 's') < expected[name]).length, Math.round(0.2 * own.length), name);
    }
  });
});
