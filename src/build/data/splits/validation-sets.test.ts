import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Split, SplitStrategy } from '#contract';
import { readCsv, takeRows, toRecords } from '#tables';
import type { SplitRequest, ValidationSetRequest } from '../port.ts';
import { frameBatches } from '../quality/batches.ts';
import { ada, openBench, partsOf } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { byChance } from './deal.ts';
import { partRanges } from './hash-split.ts';
import { reportOfSplit } from './split-report.ts';

const day = 86_400_000;

interface Visit {
  readonly id: number;
  readonly patient: string;
  readonly seen: string;
  readonly clinic: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly ill: 'yes' | 'no';
}

/** A visit by its number alone, so that tables of different lengths agree in what they share. */
function visit(id: number): Visit {
  const mixed = Math.imul(id + 1, 0x9e3779b1) >>> 0;
  return {
    id,
    patient: `p${mixed % 211}`,
    seen: new Date(Date.UTC(2025, 0, 1) + (id % 700) * day + (mixed % 1000)).toISOString(),
    clinic: `c${mixed % 37}`,
    latitude: 45 + ((mixed >>> 8) % 500) / 100,
    longitude: 5 + ((mixed >>> 16) % 500) / 100,
    ill: mixed % 10 === 0 ? 'yes' : 'no',
  };
}

const visits = (count: number): Visit[] => Array.from({ length: count }, (_, id) => visit(id));

async function ingested(bench: Bench, rows: readonly Visit[]): Promise<string> {
  const text = `${Object.keys(rows[0]).join(',')}\n${rows.map((row) => Object.values(row).join(',')).join('\n')}\n`;
  const { version } = await bench.data.ingest({ dataset: 'visits', path: await bench.file('visits.csv', text), by: ada });
  return version.digest;
}

const parts = { train: 0.7, validation: 0.15, test: 0.15 };
const by = (strategy: SplitStrategy['strategy'], columns: string[], more: Partial<SplitStrategy> = {}): SplitStrategy => ({
  strategy,
  columns,
  ...more,
});
const sets: readonly ValidationSetRequest[] = [
  { set: 'chance', strategy: by('random', []), share: 0.1 },
  { set: 'ill', strategy: by('stratified', ['ill']), share: 0.2 },
  { set: 'patients', strategy: by('group', ['patient']), share: 0.1 },
  { set: 'newest', strategy: by('time', ['seen']), share: 0.1 },
  { set: 'clinics', strategy: by('location', ['clinic']), share: 0.1 },
  { set: 'squares', strategy: by('location', ['latitude', 'longitude'], { cell: 0.5 }), share: 0.1 },
  { set: 'north', strategy: by('location', ['clinic'], { places: ['c1', 'c2'] }) },
];
const request = (over: Partial<SplitRequest> = {}): SplitRequest => ({
  dataset: 'visits',
  key: 'id',
  parts,
  salt: 's',
  by: ada,
  ...over,
});

/** The rows of each part and set. */
async function sides({ data }: Bench, split: Split): Promise<Readonly<Record<string, Visit[]>>> {
  const named = [
    ...split.parts.map(({ part, version }) => [part, version]),
    ...(split.sets ?? []).map(({ set, version }) => [set, version]),
  ];
  const opened = await Promise.all(
    named.map(async ([name, version]) => [name, toRecords(await data.open(version)).map(({ id }) => visit(Number(id)))] as const),
  );
  return Object.fromEntries(opened);
}

const valuesOf = (rows: readonly Visit[], of: (row: Visit) => unknown): Set<unknown> => new Set(rows.map(of));
const shared = (left: Set<unknown>, right: Set<unknown>): unknown[] => [...left].filter((value) => right.has(value));

describe('validation sets', () => {
  test('each strategy holds its rows out of every part: whole groups, whole places, later rows, equal shares of classes', async () => {
    await using bench = await openBench();
    const split = await bench.data.split(await ingested(bench, visits(5000)), request({ sets }));
    const rows = await sides(bench, split);
    const inParts = Object.keys(parts).flatMap((part) => rows[part]);
    assert.deepEqual(
      split.sets?.map(({ set }) => set),
      sets.map(({ set }) => set),
    );
    for (const { set } of sets)
      assert.deepEqual(
        shared(
          valuesOf(rows[set], ({ id }) => id),
          valuesOf(inParts, ({ id }) => id),
        ),
        [],
      );
    assert.deepEqual(
      shared(
        valuesOf(rows.patients, ({ patient }) => patient),
        valuesOf(inParts, ({ patient }) => patient),
      ),
      [],
    );
    assert.deepEqual(
      shared(
        valuesOf(rows.clinics, ({ clinic }) => clinic),
        valuesOf(inParts, ({ clinic }) => clinic),
      ),
      [],
    );
    const square = ({ latitude, longitude }: Visit): string => `${Math.floor(latitude * 2)} ${Math.floor(longitude * 2)}`;
    assert.deepEqual(shared(valuesOf(rows.squares, square), valuesOf(inParts, square)), []);
    assert.deepEqual(
      valuesOf(rows.north, ({ clinic }) => clinic),
      new Set(['c1', 'c2']),
    );
    const latest = inParts.reduce((last, { seen }) => (seen > last ? seen : last), '');
    assert.ok(rows.newest.every(({ seen }) => seen > latest));
    assert.ok(Math.abs(rows.newest.length - 500) < 10);
    const elsewhere = new Set(['patients', 'newest', 'clinics', 'squares', 'north'].flatMap((set) => rows[set].map(({ id }) => id)));
    const rest = visits(5000).filter(({ id }) => !elsewhere.has(id));
    const ill = rest.filter((row) => row.ill === 'yes').length;
    assert.equal(rows.ill.filter((row) => row.ill === 'yes').length, Math.round(0.2 * ill));
    assert.equal(rows.ill.length, Math.round(0.2 * ill) + Math.round(0.2 * (rest.length - ill)));
    assert.ok(Math.abs(rows.chance.length / rest.length - 0.1) < 0.02);
    const opened = await bench.data.open(split.version, { part: 'newest' });
    assert.equal(opened.rows, rows.newest.length);
    const made = await bench.data.get(split.sets?.[3].version ?? '');
    assert.deepEqual([made.part, made.manifest.derivedFrom?.parents], ['newest', [split.version]]);
  });

  test('new data never moves an old row, by whatever strategy', async () => {
    await using bench = await openBench();
    const first = await bench.data.split(await ingested(bench, visits(3000)), request({ sets }));
    const later = [...visits(6000)].reverse().filter(({ id }) => id >= 3000 || id % 7 > 0);
    const second = await bench.data.split(await ingested(bench, later), request({ sets }));
    const [before, after] = [await sides(bench, first), await sides(bench, second)];
    const still = valuesOf(later, ({ id }) => id);
    for (const name of Object.keys(before)) {
      const there = valuesOf(after[name], ({ id }) => id);
      assert.deepEqual(
        before[name].filter(({ id }) => still.has(id) && !there.has(id)),
        [],
        name,
      );
    }
    assert.equal(second.sets?.[3].borders?.measuredOn, first.version);
    assert.deepEqual(second.sets?.[1].borders, first.sets?.[1].borders);
  });

  for (const [name, strategy, begins] of [
    ['groups', by('group', ['patient']), undefined],
    ['places', by('location', ['clinic']), undefined],
    ['time', by('time', ['seen']), undefined],
    ['time that is written', by('time', ['seen']), ['2026-01-01', '2026-06-01']],
  ] as const) {
    test(`parts by ${name} are apart, and new data moves no old row`, async () => {
      await using bench = await openBench();
      const definition = request({ strategy, ...(begins === undefined ? {} : { begins }) });
      const split = await bench.data.split(await ingested(bench, visits(4000)), definition);
      const rows = await sides(bench, split);
      const [column] = strategy.columns;
      const unit = (row: Visit): unknown => Object.entries(row).find(([key]) => key === column)?.[1];
      const names = Object.keys(parts);
      for (const [i, left] of names.entries())
        for (const right of names.slice(i + 1)) {
          if (strategy.strategy === 'time') {
            const latest = rows[left].reduce((last, { seen }) => (seen > last ? seen : last), '');
            assert.ok(rows[right].every(({ seen }) => seen > latest));
          } else assert.deepEqual(shared(valuesOf(rows[left], unit), valuesOf(rows[right], unit)), []);
        }
      const next = await sides(bench, await bench.data.split(await ingested(bench, visits(8000)), definition));
      for (const part of names) {
        const there = valuesOf(next[part], ({ id }) => id);
        assert.ok(rows[part].every(({ id }) => there.has(id)));
      }
    });
  }

  test('rows without a group are groups of their own; a row without an instant is refused with its number', async () => {
    await using bench = await openBench();
    const lines = visits(400).map(({ id, patient, seen }) => `${id},${id % 2 ? patient : ''},${id === 7 ? '' : seen}`);
    const { version } = await bench.data.ingest({
      dataset: 'visits',
      path: await bench.file('gaps.csv', `id,patient,seen\n${lines.join('\n')}\n`),
      by: ada,
    });
    const [grouped] = (await bench.data.split(version.digest, request({ sets: [sets[2]] }))).sets ?? [];
    const alone = toRecords(await bench.data.open(grouped.version)).filter(({ patient }) => patient === null).length;
    assert.ok(alone > 5 && alone < 60, `${alone} of 200 rows without a group`);
    await assert.rejects(bench.data.split(version.digest, request({ sets: [sets[3]] })), {
      code: 'FAILED_PRECONDITION',
      message: /"seen" is missing in 1 rows \(row 9\)/,
    });
  });

  test('refuses sets that would be empty, leave a part empty, share a name, or look at what cannot be read', async () => {
    await using bench = await openBench();
    const version = await ingested(bench, visits(300));
    const refused = (set: ValidationSetRequest, error: object): Promise<void> =>
      assert.rejects(bench.data.split(version, request({ sets: [set] })), error);
    await refused(
      { ...sets[6], strategy: by('location', ['clinic'], { places: ['x'] }) },
      { message: /"north" is empty: no row has a "clinic" among/ },
    );
    await refused({ set: 'late', strategy: by('time', ['seen'], { from: '2030-01-01' }) }, { message: /no row is as late as 2030-01-01/ });
    await refused(
      { set: 'late', strategy: by('time', ['seen'], { from: 'soon' }) },
      { code: 'INVALID_ARGUMENT', message: /"soon" is no day/ },
    );
    await refused({ set: 'late', strategy: by('time', ['clinic']), share: 0.1 }, { message: /"clinic" is of texts, not of instants/ });
    await refused(
      { set: 'all', strategy: by('time', ['seen'], { from: '2020-01-01' }) },
      { message: /300 are in validation sets, leave part "train"/ },
    );
    await refused(
      { set: 'train', strategy: by('random', []), share: 0.1 },
      { code: 'INVALID_ARGUMENT', message: /"train" is named twice/ },
    );
    await refused(
      { ...sets[5], strategy: by('location', ['clinic'], { cell: 1 }) },
      { message: /two columns, latitude and longitude; 1 are named/ },
    );
    assert.equal((await bench.data.splitsOf(version)).length, 0);
  });
});

describe('a split’s report', () => {
  test('finds parts by chance alike, says what a strategy makes differ, and counts groups on both sides', async () => {
    await using bench = await openBench();
    const split = await bench.data.split(await ingested(bench, visits(5000)), request({ sets }));
    const report = await bench.data.splitReport(split.id);
    assert.deepEqual(await bench.data.splitReport(split.id), report);
    const of = (name: string) => report.comparisons.find((each) => each.name === name) ?? assert.fail(name);
    for (const name of ['validation', 'test', 'chance', 'ill']) assert.equal(of(name).verdict, 'alike', of(name).message);
    const newest = of('newest');
    const seen = newest.columns.find(({ column }) => column === 'seen');
    assert.ok(seen && seen.differs && seen.byDesign && seen.statistic === 'ks');
    assert.match(newest.message, /later rows.*seen: as the strategy makes it/);
    assert.equal(of('patients').shared, 0);
    assert.deepEqual([of('patients').tested.unit, of('patients').tested.here < 40], ['group', true]);
    assert.equal(of('clinics').columns[0].pValue, null, 'few places allow no test');
    assert.ok(newest.columns.every(({ column }) => column !== 'id'));
  });

  test('finds the column that a key carries', async () => {
    await using bench = await openBench();
    const split = await bench.data.split(await ingested(bench, visits(4000)), request({ parts: { a: 0.5, b: 0.5 } }));
    const placed = new Map((await sides(bench, split)).a.map(({ id }) => [id, 1]));
    // the same keys, with a column that knows which side they are on in one case of three
    const lines = visits(4000).map(({ id }) => `${id},${id % 3 === 0 ? (placed.get(id) ?? 0) * 10 + (id % 7) : id % 17},${id % 5}`);
    const { version } = await bench.data.ingest({
      dataset: 'visits',
      path: await bench.file('carried.csv', `id,carried,other\n${lines.join('\n')}\n`),
      by: ada,
    });
    const made = await bench.data.split(version.digest, request({ parts: { a: 0.5, b: 0.5 } }));
    const [b] = (await bench.data.splitReport(made.id)).comparisons;
    assert.equal(b.verdict, 'biased');
    assert.match(b.message, /not like a in carried: choose another salt/);
    assert.deepEqual(
      b.columns.filter(({ differs }) => differs).map(({ column }) => column),
      ['carried'],
    );
  });

  test('alarms falsely about as seldom as it says', async () => {
    const { frame } = readCsv(
      Buffer.from(
        `${Object.keys(visit(0)).join(',')}\n${visits(1500)
          .map((row) => Object.values(row).join(','))
          .join('\n')}\n`,
      ),
    );
    const split: Split = { id: 's', dataset: 'visits', version: '', key: 'id', salt: '', parts: [], createdAt: '' };
    let biased = 0;
    for (let i = 0; i < 100; i++) {
      const definition = request({ parts: { a: 0.6, b: 0.4 }, salt: `salt ${i}` });
      const dealt = await partsOf(frame, definition, partRanges(definition.parts));
      const dealtSides = dealt.map((rows, at) => ({
        name: `part ${at}`,
        kind: 'part' as const,
        strategy: byChance,
        open: async () => frameBatches(takeRows(frame, rows)),
      }));
      if ((await reportOfSplit(split, dealtSides)).comparisons[0].verdict === 'biased') biased++;
    }
    // at most 1 % of comparisons; the salts are fixed, so this never flickers (binomial: P(more than 4 of 100) = 0.3 %)
    assert.ok(biased <= 4, `${biased} of 100`);
  });
});
