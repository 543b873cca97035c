import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { QualityCheck, SplitStrategy } from '#contract';
import { createFrame, instantColumn, numberColumn, readParquet, textColumn, toRecords, writeParquet } from '#tables';
import type { SplitRequest } from '../port.ts';
import { openDealer } from '../splits/deal.ts';
import { partRanges } from '../splits/hash-split.ts';
import { ada, openBench } from '../testing.ts';
import { frameBatches, openBatches } from './batches.ts';
import type { Batches } from './batches.ts';
import { collect } from './collector.ts';
import { leakage } from './leakage.ts';

const rows = 3000;
/** Three copies of each row, the key apart; some rows have no group. */
const table = createFrame([
  { name: 'id', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => i)) },
  { name: 'x', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => i % 1000)) },
  { name: 'group', column: textColumn(Array.from({ length: rows }, (_, i) => (i % 10 === 0 ? null : `g${i % 250}`))) },
  { name: 'at', column: instantColumn(Float64Array.from({ length: rows }, (_, i) => 1e12 + (i % 1000) * 1e6)) },
  { name: 'ill', column: textColumn(Array.from({ length: rows }, (_, i) => (i % 4 === 0 ? 'yes' : 'no'))) },
]);
const by = (strategy: SplitStrategy['strategy'], columns: string[]): SplitStrategy => ({ strategy, columns });
const parts = { train: 0.6, test: 0.4 };
const ways: Readonly<Record<string, Pick<SplitRequest, 'strategy' | 'sets'>>> = {
  'keys alone': {},
  groups: { strategy: by('group', ['group']) },
  time: { strategy: by('time', ['at']) },
  'keys, beside sets': {
    sets: [
      { set: 'chance', strategy: by('random', []), share: 0.2 },
      { set: 'ill', strategy: by('stratified', ['ill']), share: 0.2 },
      { set: 'newest', strategy: by('time', ['at']), share: 0.1 },
    ],
  },
};

const leakOf = (report: { readonly characteristics: readonly { readonly checks: readonly QualityCheck[] }[] }): QualityCheck =>
  report.characteristics.flatMap(({ checks }) => checks).find(({ name }) => name === 'no leak between parts') ?? assert.fail();

describe('rows that will stand on both sides of a split', () => {
  for (const [name, way] of Object.entries(ways)) {
    test(`are those that do when it is dealt by ${name}`, async () => {
      await using bench = await openBench();
      const { version } = await bench.data.createFromRows({ dataset: 'd', frame: table, by: ada });
      const split = { parts, salt: 's', ...way };
      const leak = leakOf(await bench.data.quality(version.digest, { key: 'id', split, by: ada }));
      const made = await bench.data.split(version.digest, { dataset: 'd', key: 'id', ...split, by: ada });
      const sideOf = new Map<number, string>();
      const sides = [
        ...made.parts.map(({ part, version: of }) => [part, of]),
        ...(made.sets ?? []).map(({ set, version: of }) => [set, of]),
      ];
      for (const [side, of] of sides)
        for (const { id } of toRecords(await bench.data.open(of))) if (!sideOf.has(Number(id))) sideOf.set(Number(id), side);
      const isPart = (side: string | undefined): boolean => side !== undefined && side in parts;
      const [ids, first] = [Array.from({ length: rows }, (_, id) => id), (id: number) => sideOf.get(id % 1000)];
      const leaking = ids.filter((id) => sideOf.get(id) !== first(id) && (isPart(sideOf.get(id)) || isPart(first(id))));
      assert.deepEqual([leak.failing, leak.applied, leak.sampled], [leaking.length, rows, undefined]);
      assert.deepEqual(
        leak.examples.map(({ row }) => row),
        leaking.slice(0, 5).map((id) => id + 2),
      );
      if (name === 'time') assert.equal(leak.message, 'no row of one part stands in another');
      else assert.ok(leak.failing > 50, `${leak.failing}`);
    });
  }

  test('are found alike in memory and by an engine; of very many a share is looked at, whole groups', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-leakage-'));
    try {
      const path = join(folder, 'rows.parquet');
      await writeParquet(table, path);
      const { batches } = await openBatches(path, () => readParquet(path), { cells: 0, folder });
      const ranges = partRanges(parts);
      const findings = async (from: Batches, most?: number) => {
        const dealer = await openDealer(from, { key: 'id', salt: 's' }, ranges, { sets: new Map() });
        const subject = { batches: from, request: { key: 'id', split: { parts, salt: 's' } }, masked: new Set<string>() };
        const sides = { dealer, parts: 2, names: ['train', 'test'] };
        const collector = leakage({ ...subject, sides }, ['x', 'group', 'at', 'ill'], most);
        await collect(from, [collector]);
        return collector.findings()[0];
      };
      assert.deepEqual(await findings(batches), await findings(frameBatches(table)));
      for (const from of [batches, frameBatches(table)]) {
        const { score, sampled, applied = 0 } = await findings(from, 1000);
        assert.ok(sampled === applied && applied % 3 === 0 && applied > 700 && applied < 1300, `${applied}`);
        assert.ok(Math.abs((score ?? 0) - ((await findings(from)).score ?? 1)) < 0.05);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('are none without a key; what the split would be refused for is said', async () => {
    await using bench = await openBench();
    const { version } = await bench.data.createFromRows({ dataset: 'd', frame: table, by: ada });
    const leak = async (over: object): Promise<QualityCheck> =>
      leakOf(await bench.data.quality(version.digest, { split: { parts, salt: 's', ...over }, by: ada, key: 'id' }));
    const keyless = leakOf(await bench.data.quality(version.digest, { split: { parts, salt: 's' }, by: ada }));
    assert.deepEqual([keyless.outcome, keyless.failing, keyless.applied], ['pass', 0, rows]);
    const refused = await leak({ strategy: by('time', ['group']) });
    assert.equal(refused.outcome, 'unmeasured');
    assert.match(refused.message, /"group" is of texts, not of instants/);
  });
});
