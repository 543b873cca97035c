import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toRecords } from '#tables';
import { ada, openBench } from '../testing.ts';

const request = { dataset: 'visits', parts: { train: 0.5, test: 0.5 }, salt: 's', by: ada };
const visits = Array.from({ length: 400 }, (_, row) => `${row % 40},${['a', 'b', 'c'][row % 3]},${row < 390 ? row * 1.5 : ''}`);

describe('a table without a key', () => {
  test('is dealt by all values of a row: equal rows are on one side, and later rows or moved columns move nobody', async () => {
    await using bench = await openBench();
    const sidesOf = async (name: string, head: string, rows: readonly string[]): Promise<ReadonlyMap<string, string>> => {
      const path = await bench.file(name, `${[head, ...rows].join('\n')}\n`);
      const { version } = await bench.data.ingest({ dataset: 'visits', path, by: ada });
      const split = await bench.data.split(version.digest, request);
      assert.equal(split.key, undefined);
      const sides = new Map<string, string>();
      for (const { part, rows: count } of split.parts) {
        const records = toRecords(await bench.data.open(version.digest, { part }));
        assert.equal(records.length, count);
        for (const { minute, shop, spent } of records) {
          const row = JSON.stringify([minute, shop, spent]);
          assert.equal(sides.get(row) ?? part, part, 'equal rows are on one side');
          sides.set(row, part);
        }
      }
      return sides;
    };
    const first = await sidesOf('visits.csv', 'minute,shop,spent', [...visits, ...visits.slice(0, 50)]);
    assert.equal(first.size, 400);
    const later = await sidesOf('later.csv', 'spent,minute,shop', [
      '7777,1,c',
      ...visits.toReversed().map((line) => line.replace(/^(.*),(.*),(.*)$/, '$3,$1,$2')),
    ]);
    for (const [row, side] of first) assert.equal(later.get(row), side, row);
    // 400 different rows: a half is 200 with a standard deviation of 10
    assert.ok(Math.abs([...first.values()].filter((side) => side === 'train').length - 200) < 40);
  });

  test('has a quality report and a comparison by whole rows', async () => {
    await using bench = await openBench();
    const before = await bench.data.ingest({
      dataset: 'visits',
      path: await bench.file('a.csv', `minute,shop,spent\n${visits.join('\n')}\n`),
      by: ada,
    });
    const after = await bench.data.ingest({
      dataset: 'visits',
      path: await bench.file('b.csv', `minute,shop,spent\n${visits.slice(1).join('\n')}\n5,b,1\n`),
      by: ada,
    });
    await bench.data.split(before.version.digest, request);
    const { rowChanges } = await bench.data.compare(before.version.digest, after.version.digest);
    assert.deepEqual([rowChanges.matchedBy, rowChanges.added, rowChanges.removed], ['row', 1, 1]);
    const { characteristics } = await bench.data.quality(before.version.digest, { split: { parts: request.parts, salt: 's' }, by: ada });
    const leak = characteristics.flatMap(({ checks }) => checks).find(({ name }) => name === 'no leak between parts');
    assert.match(leak?.message ?? '', /dealt by all their values: equal rows are on one side/);
  });
});
