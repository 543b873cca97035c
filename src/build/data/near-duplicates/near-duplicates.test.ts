import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { cellOf, readCsv, writeParquet } from '#tables';
import type { Frame } from '#tables';
import { nothingMasked } from '../masking.ts';
import { frameBatches, openBatches } from '../quality/batches.ts';
import type { OpenedRows } from '../quality/batches.ts';
import { ada, openBench } from '../testing.ts';
import { nearDuplicates } from './check.ts';
import { nearRows } from './near-rows.ts';
import type { NearPlan } from './near-rows.ts';
import { alikeTexts, comparedText, digitsOf, isWithin, mostEdits, plainText } from './near-texts.ts';
import { planOf, usualNearness } from './plan.ts';

const frameOf = (csv: string): Frame => readCsv(Buffer.from(csv)).frame;
const inMemory = (frame: Frame): OpenedRows => ({ batches: frameBatches(frame), sample: () => Promise.resolve(frame) });

/** The whole table of the textbook, without any short cut. */
function distance(left: string, right: string): number {
  const table = Array.from({ length: left.length + 1 }, (_, i) =>
    Array.from({ length: right.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i <= left.length; i++)
    for (let j = 1; j <= right.length; j++)
      table[i][j] = Math.min(table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1));
  return table[left.length][right.length];
}

const isAlike = (one: string, other: string, alike: number): boolean => {
  const [left, right] = [plainText(one), plainText(other)];
  return digitsOf(one) === digitsOf(other) && distance(left, right) <= mostEdits(left.length, right.length, alike);
};

/** The definition, for each pair of rows. */
function byEachPair(frame: Frame, { discrete, texts, measured, alike }: NearPlan): Map<number, number> {
  const cell = (name: string, row: number) => cellOf(frame.column(name), frame.typeOf(name), row);
  const number = (name: string, row: number): number => {
    const column = frame.column(name);
    return column.kind === 'text' ? NaN : column.values[row];
  };
  const found = new Map<number, number>();
  for (let row = 1; row < frame.rows; row++)
    for (let first = 0; first < row && !found.has(row); first++) {
      if (discrete.some((name) => cell(name, row) !== cell(name, first))) continue;
      const different = texts.filter((name) => cell(name, row) !== cell(name, first));
      if (different.length > 1) continue;
      const [one] = different;
      if (one !== undefined) {
        const [left, right] = [cell(one, row), cell(one, first)];
        if (left === null || right === null || !isAlike(String(left), String(right), alike)) continue;
      }
      const isFar = measured.some(({ name, within }) => {
        const [left, right] = [number(name, row), number(name, first)];
        return Number.isNaN(left) || Number.isNaN(right) ? !(Number.isNaN(left) && Number.isNaN(right)) : Math.abs(left - right) > within;
      });
      const isSame = different.length === 0 && measured.every(({ name }) => Object.is(cell(name, row), cell(name, first)));
      if (!isFar && !isSame) found.set(row, first);
    }
  return found;
}

const letters = 'abcdeé ';
describe('texts', () => {
  test('are within some edits exactly when the whole table of edits says so', () => {
    const random = seeded(2);
    const word = (): string => Array.from({ length: random.int(9) }, () => letters[random.int(letters.length)]).join('');
    for (let i = 0; i < 3000; i++) {
      const [left, right, most] = [word(), word(), random.int(5)];
      assert.equal(isWithin(left, right, most), distance(left, right) <= most, `${left}|${right}|${most}`);
    }
  });

  test('that are alike are found without looking at each pair, none is missed', () => {
    const random = seeded(3);
    for (const alike of [0.8, 0.83, 0.85, 0.9, 0.95, 1]) {
      const texts: string[] = [];
      for (let i = 0; i < 250; i++) {
        const base = texts[random.int(texts.length)];
        if (base === undefined || random.int(3) === 0) {
          texts.push(Array.from({ length: 1 + random.int(30) }, () => letters[random.int(letters.length)]).join(''));
          continue;
        }
        const at = random.int(base.length + 1);
        const edits = [base.slice(0, at) + base.slice(at + 1), `${base.slice(0, at)}x${base.slice(at)}`, base.toUpperCase(), `${base} 7`];
        texts.push(edits[random.int(edits.length)]);
      }
      const wanted = texts.flatMap((right, at) =>
        texts.slice(0, at).flatMap((left, before) => (isAlike(left, right, alike) ? [`${before}-${at}`] : [])),
      );
      const found = alikeTexts(texts.map(comparedText), alike).map((pair) => pair.join('-'));
      assert.deepEqual([...found].sort(), [...wanted].sort(), `${alike}`);
      assert.ok(wanted.length > 20);
    }
  });

  test('with other digits are never alike', () => {
    assert.deepEqual(alikeTexts(['order 1001', 'order 1002'].map(comparedText), 0.8), []);
    assert.deepEqual(alikeTexts(['Main  Street 5', 'main street 5', 'Mian street 5'].map(comparedText), 0.8), [
      [0, 1],
      [0, 2],
      [1, 2],
    ]);
  });
});

/** People of whom some were entered twice, with a slip in the name, a rounded income, or another instant of the same minute. */
function people(rows: number, seed = 7): string {
  const random = seeded(seed);
  const lines: string[] = [];
  for (let i = 0; i < rows; i++) {
    const [name, street] = [
      `Person ${'abcdefghij'[random.int(10)]}${'klmnopqrst'[random.int(10)]}ville`,
      `${'uvwxyz'[random.int(6)]} long road`,
    ];
    const cells = [name, street, ['n', 's'][random.int(2)], String(random.int(3)), (random.next() * 1000).toFixed(4)];
    if (i > 5 && random.int(4) === 0) {
      const [, ...copy] = lines[random.int(lines.length)].split(',');
      const slip = random.int(5);
      if (slip === 0) copy[0] = `${copy[0]}e`;
      if (slip === 1) copy[4] = (Number(copy[4]) + 0.2).toFixed(4);
      if (slip === 2) copy[4] = (Number(copy[4]) + 2).toFixed(4);
      if (slip === 3) copy[2] = copy[2] === 'n' ? 's' : 'n';
      lines.push([i, ...copy].join(','));
    } else lines.push([i, ...(random.int(30) === 0 ? [name, '', 'n', '1', ''] : cells)].join(','));
  }
  return `id,name,street,side,size,income\n${lines.join('\n')}\n`;
}
const compared = ['name', 'street', 'side', 'size', 'income'];

describe('near duplicates of rows', () => {
  test('are those that the definition gives for each pair, with the earliest row that each is near to', () => {
    let some = 0;
    for (let seed = 0; seed < 6; seed++) {
      const frame = frameOf(people(400, seed));
      const plan = planOf(frame, compared, usualNearness);
      assert.deepEqual(
        [plan.texts, plan.measured.map(({ name }) => name), plan.discrete],
        [['name'], ['income'], ['street', 'side', 'size']],
      );
      const { near, isComplete } = nearRows(frame, plan);
      assert.equal(isComplete, true);
      assert.deepEqual([...near], [...byEachPair(frame, plan)]);
      some += near.size;
    }
    assert.ok(some > 100, `${some} rows`);
  });

  test('among numbers alone, and among texts alone, are those of the definition too', () => {
    const random = seeded(8);
    const numbers = Array.from({ length: 300 }, () =>
      [random.normal(), random.normal(), random.int(20) === 0 ? '' : random.int(2000)].join(','),
    );
    const close = numbers.slice(0, 40).map((line) => line.replace(/^(-?\d+\.\d{3})/, '$15'));
    const frame = frameOf(`x,y,z\n${[...numbers, ...close].join('\n')}\n`);
    const plan = planOf(frame, ['x', 'y', 'z'], { numbers: 0.01, texts: 0.85 });
    assert.deepEqual([...nearRows(frame, plan).near], [...byEachPair(frame, plan)]);
    const texts = frameOf(people(300));
    const textPlan: NearPlan = { discrete: [], texts: ['name', 'street'], measured: [], alike: 0.8 };
    assert.deepEqual([...nearRows(texts, textPlan).near], [...byEachPair(texts, textPlan)]);
  });

  test('are a check with the row, the value, and the row that it is near to', async () => {
    const csv = people(400);
    const found = await nearDuplicates(inMemory(frameOf(csv)), { key: 'id' }, nothingMasked);
    assert.ok(found.failing > 10);
    assert.equal(found.score, 1 - found.failing / 400);
    assert.match(found.message, /rows nearly repeat an earlier one in every column but id/);
    const [example] = found.examples;
    assert.ok(['name', 'income'].includes(example.column ?? ''));
    assert.match(example.note ?? '', /^row \d+ has /);
    const strict = await nearDuplicates(inMemory(frameOf(csv)), { key: 'id', near: { numbers: 0, texts: 1 } }, nothingMasked);
    assert.equal(strict.failing, 0);
  });

  test('show nothing of masked columns, and say where the target differs', async () => {
    const lines = Array.from(
      { length: 60 },
      (_, i) => `${i},${'abcdefghijkl'[i % 12].repeat(9)} ${'mnopq'[i % 5].repeat(9)},${i % 7},${i % 2}`,
    );
    const csv = `id,name,size,y\n${[...lines, '60,aaaaaaaaa mmmmmmmm,0,1'].join('\n')}\n`;
    const found = await nearDuplicates(inMemory(frameOf(csv)), { key: 'id', target: 'y' }, new Set(['name']));
    assert.equal(found.failing, 1);
    assert.deepEqual(found.examples, [{ row: 62, column: 'name', value: '***', masked: true, note: 'row 2 has "***"; they differ in y' }]);
  });

  test('are not spoken of where chance makes rows near', async () => {
    const random = seeded(1);
    const few = Array.from({ length: 3000 }, () => `${random.int(3)},${random.normal()}`).join('\n');
    const found = await nearDuplicates(inMemory(frameOf(`a,b\n${few}\n`)), {}, nothingMasked);
    assert.equal(found.score, null);
    assert.match(found.message, /that \d+ pairs of rows would be near by chance/);
    assert.equal((await nearDuplicates(inMemory(frameOf('a,b\n1,2\n')), { key: 'a' }, nothingMasked)).score, null);
  });

  test('of a table beyond memory are looked for among rows that have something in common, by their numbers in the whole', async () => {
    await using bench = await openBench();
    const random = seeded(6);
    // the last thousand rows are near to the first thousand
    const rows = Array.from({ length: 10_000 }, () => [random.int(20), random.next() * 1e6, random.normal(), random.normal()] as const);
    for (let i = 9000; i < 10_000; i++) rows[i] = [rows[i - 9000][0], rows[i - 9000][1] + 1, rows[i - 9000][2], rows[i - 9000][3]];
    const lines = rows.map(([place, ...sizes], i) => `${i},p${place},${sizes.join(',')}`);
    const path = await bench.file('places.parquet', '');
    await writeParquet(frameOf(`id,place,a,b,c\n${lines.join('\n')}\n`), path);
    const opened = await openBatches(path, () => Promise.reject(new Error('too large')), { cells: 0 });
    const whole = await nearDuplicates(opened, { key: 'id' }, nothingMasked);
    assert.equal(whole.failing, 1000);
    assert.deepEqual([whole.sampled, whole.examples[0].row, whole.examples[0].column], [undefined, 9002, 'a']);
    const some = await nearDuplicates(opened, { key: 'id' }, nothingMasked, { rows: 2500 });
    assert.ok(some.sampled !== undefined && some.sampled > 500 && some.sampled <= 2500, `${some.sampled} rows`);
    // places are looked at whole: of the rows that are looked at, as many are near as in all of them
    assert.ok(Math.abs((some.score ?? 0) - 0.9) < 0.03, `${some.score}`);
    const numbers = frameOf(`id,a,b,c\n${rows.map(([, ...sizes], i) => `${i},${sizes.join(',')}`).join('\n')}\n`);
    await writeParquet(numbers, path);
    const slices = await nearDuplicates(
      await openBatches(path, () => Promise.reject(new Error('too large')), { cells: 0 }),
      { key: 'id' },
      nothingMasked,
      { rows: 2500 },
    );
    assert.ok(slices.sampled !== undefined && Math.abs((slices.score ?? 0) - 0.9) < 0.03, `${slices.score} in ${slices.sampled} rows`);
  });

  test('stand in the quality report under reliability, by the project’s own measure', async () => {
    await using bench = await openBench();
    const { version } = await bench.data.ingest({ dataset: 'people', path: await bench.file('people.csv', people(200)), by: ada });
    const report = await bench.data.quality(version.digest, { key: 'id', by: ada });
    const check = report.characteristics
      .find(({ name }) => name === 'reliability')
      ?.checks.find(({ name }) => name === 'near duplicate rows');
    assert.equal(check?.outcome, 'warn');
  });
});
