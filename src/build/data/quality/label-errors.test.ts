import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { readCsv, writeParquet } from '#tables';
import type { Frame } from '#tables';
import { nothingMasked } from '../masking.ts';
import { ada, openBench } from '../testing.ts';
import { frameBatches, openBatches } from './batches.ts';
import type { OpenedRows } from './batches.ts';
import { labelErrors } from './label-errors.ts';

const frameOf = (csv: string): Frame => readCsv(Buffer.from(csv)).frame;
const inMemory = (frame: Frame): OpenedRows => ({ batches: frameBatches(frame), sample: () => Promise.resolve(frame) });

/** Three kinds of flowers that two sizes tell apart, every thirtieth under a wrong name. @returns the table and the numbers of the wrong rows */
function flowers(rows: number): { readonly csv: string; readonly wrong: ReadonlySet<number> } {
  const random = seeded(5);
  const kinds = ['iris', 'rose', 'tulip'];
  const wrong = new Set<number>();
  const lines = Array.from({ length: rows }, (_, row) => {
    const kind = random.int(3);
    const isWrong = row % 30 === 17;
    if (isWrong) wrong.add(row + 2);
    const name = kinds[isWrong ? (kind + 1) % 3 : kind];
    return `f${row},${(kind * 4 + random.normal()).toFixed(3)},${(kind === 1 ? 5 : 0) + random.normal()},${random.int(9)},${name}`;
  });
  return { csv: `id,length,width,noise,kind\n${lines.join('\n')}\n`, wrong };
}
const request = { key: 'id', target: 'kind' };

describe('label errors', () => {
  test('are found where a model of the other rows contradicts a label, the surest first', async () => {
    const { csv, wrong } = flowers(1500);
    const found = await labelErrors(inMemory(frameOf(csv)), request, nothingMasked);
    assert.equal(wrong.size, 50);
    assert.ok(found.failing >= 45 && found.failing <= 80, `${found.failing} suspected`);
    assert.equal(found.examples.length, 20);
    for (const { row } of found.examples) assert.ok(row !== undefined && wrong.has(row), `row ${row} was given a wrong name`);
    assert.match(found.examples[0].note ?? '', /^looks like (iris|rose|tulip) \(0\.9\d; its own label 0\.0\d\)$/);
    assert.equal(found.score, 1 - found.failing / 1500);
    assert.deepEqual(found.limits, {}, 'classes that overlap look the same: people say what is too much');
    assert.match(found.message, /have a label of kind that a model which has not seen them contradicts: \w+ looks like \w+ \d+/);
    assert.deepEqual(await labelErrors(inMemory(frameOf(csv)), request, nothingMasked), found, 'the same rows give the same suspicion');
  });

  test('are not taken from a copy of the row itself', async () => {
    // each wrong row is there twice: who has seen the copy repeats its label
    const { csv } = flowers(900);
    const [header, ...lines] = csv.trimEnd().split('\n');
    const twice = [header, ...lines.flatMap((line) => [line, line])].join('\n');
    const once = await labelErrors(inMemory(frameOf(csv)), request, nothingMasked);
    const both = await labelErrors(inMemory(frameOf(`${twice}\n`)), request, nothingMasked);
    assert.ok(once.failing >= 25 && both.failing >= 50 && both.failing % 2 === 0, `${both.failing} of twice ${once.failing}`);
  });

  test('of a table beyond memory are looked for in rows that are drawn, and named by their numbers in the whole', async () => {
    await using bench = await openBench();
    const { csv, wrong } = flowers(12_000);
    const path = await bench.file('flowers.parquet', '');
    await writeParquet(frameOf(csv), path);
    const opened = await openBatches(path, () => Promise.reject(new Error('too large')), { cells: 0 });
    const found = await labelErrors(opened, request, nothingMasked, { rows: 2000 });
    assert.ok(found.sampled !== undefined && found.sampled > 1500 && found.sampled <= 2000, `${found.sampled} drawn`);
    const numbers = found.examples.map(({ row = 0 }) => row);
    assert.ok(Math.max(...numbers) > 6000, 'drawn from all of it');
    assert.ok(numbers.every((row) => wrong.has(row)));
  });

  test('show nothing of a masked label', async () => {
    const { csv } = flowers(600);
    const found = await labelErrors(inMemory(frameOf(csv)), request, new Set(['kind']));
    assert.ok(found.failing > 0);
    assert.ok(!/iris|rose|tulip/.test(JSON.stringify(found)));
    assert.equal(found.examples[0].masked, true);
  });

  test('are unmeasured where nothing can be said', async () => {
    const why = async (csv: string, own: object = { target: 'y' }): Promise<string> => {
      const { score, message } = await labelErrors(inMemory(frameOf(csv)), own, nothingMasked);
      assert.equal(score, null);
      return message;
    };
    const lines = (make: (row: number) => string): string => `x,y\n${Array.from({ length: 200 }, (_, row) => make(row)).join('\n')}\n`;
    assert.match(
      await why(
        lines((row) => `${row},a`),
        {},
      ),
      /no target was named/,
    );
    assert.match(await why(lines((row) => `${row},${row / 3}`)), /is a number, and no class/);
    assert.match(await why(lines((row) => `${row},${row === 3 ? 'b' : 'a'}`)), /two classes with 10 rows each/);
    assert.match(await why('x,y\n1,a\n2,b\n'), /it takes 100 rows/);
    const random = seeded(2);
    const noise = lines(() => `${random.normal()},${random.int(2)}`);
    assert.match(await why(noise), /tells the classes of y no better than their shares do/, 'nothing is known, so nothing is contradicted');
    assert.match(await why(lines((row) => `t${row},${row % 2}`)), /no column is left to learn from/);
    assert.match(await why(`x,y\n${Array.from({ length: 400 }, (_, row) => `${row},k${row % 25}`).join('\n')}\n`), /more than 20 classes/);
  });

  test('of classes that are one row many times over are told all the same', async () => {
    const csv = `a,b,y\n${Array.from({ length: 300 }, (_, row) => `${row % 2},${row % 2},${row === 50 ? 'odd' : row % 2 === 0 ? 'even' : 'odd'}`).join('\n')}\n`;
    const found = await labelErrors(inMemory(frameOf(csv)), { target: 'y' }, nothingMasked);
    assert.deepEqual([found.failing, found.examples[0].row, found.examples[0].value], [1, 52, 'odd']);
  });

  test('stand in the quality report under accuracy', async () => {
    await using bench = await openBench();
    const { csv } = flowers(400);
    const { version } = await bench.data.ingest({ dataset: 'flowers', path: await bench.file('flowers.csv', csv), by: ada });
    const report = await bench.data.quality(version.digest, { ...request, by: ada });
    const check = report.characteristics.find(({ name }) => name === 'accuracy')?.checks.find(({ name }) => name === 'label errors');
    assert.ok(check !== undefined && check.failing > 5 && check.outcome === 'pass');
    const strict = await bench.data.quality(version.digest, { ...request, limits: [['label errors', { fail: 1 }]], by: ada });
    assert.equal(strict.outcome, 'fail');
  });
});
