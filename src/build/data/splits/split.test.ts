import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCsv, toRecords } from '#tables';
import type { Frame } from '#tables';
import { ada, openBench, partsOf } from '../testing.ts';
import { partRanges, placeOf } from './hash-split.ts';
import type { PartRange } from './hash-split.ts';

const churn = 'examples/churn/data/telco-churn.csv';
const assignRows = (frame: Frame, key: string, salt: string, ranges: readonly PartRange[]): Promise<readonly Int32Array[]> =>
  partsOf(frame, { key, salt }, ranges);
const parts = { train: 0.36, validation: 0.09, test: 0.15, reference: 0.08, later: 0.32 };

describe('a key’s place', () => {
  test('is the first 53 bits of SHA-256(salt, NUL, key)', () => {
    // sha256('salt\0key') by coreutils: printf 'salt\0key' | sha256sum | cut -c1-16
    assert.equal(placeOf('key', 'salt'), Number(0x6e5d6c6f47d14756n >> 11n) / 2 ** 53);
  });

  test('stands evenly on [0, 1)', () => {
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) counts[Math.floor(placeOf(`k${i}`, 's') * 10)]++;
    // chi-squared with 9 degrees of freedom: 27.9 is its 0.999 quantile; the keys are fixed, so this never flickers
    assert.ok(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0) < 27.9);
  });
});

describe('splitting a version', () => {
  test('cuts the churn table into five versions that together are the whole', async () => {
    await using bench = await openBench();
    const { version } = await bench.data.ingest({ dataset: 'customers', path: churn, by: ada });
    const split = await bench.data.split(version.digest, {
      dataset: 'customers',
      key: 'customerID',
      parts,
      salt: 'churn',
      stratify: 'Churn',
      by: ada,
    });
    assert.deepEqual(
      split.parts.map(({ part }) => part),
      Object.keys(parts),
    );
    const seen = new Map<unknown, string>();
    for (const { part, version: digest, rows, fraction, targetShare } of split.parts) {
      const made = await bench.data.get(digest);
      assert.equal(made.part, part);
      assert.deepEqual(made.manifest.derivedFrom?.parents, [version.digest]);
      assert.equal(made.manifest.derivedFrom?.parameters.salt, 'churn');
      assert.ok(Math.abs(rows / 7043 - fraction) < 0.02);
      const frame = await bench.data.open(version.digest, { part });
      assert.equal(frame.rows, rows);
      const records = toRecords(frame);
      for (const { customerID } of records) {
        assert.equal(seen.get(customerID), undefined);
        seen.set(customerID, part);
      }
      const share = records.filter(({ Churn }) => Churn === 'Yes').length / rows;
      const reported = targetShare?.Yes;
      assert.ok(reported && Math.abs(reported.share - share) < 1e-12);
      assert.ok(reported.interval.low < share && share < reported.interval.high);
    }
    assert.equal(seen.size, 7043);
    assert.ok(split.stratification && split.stratification.pValue > 0.001);
    const types = await bench.eventTypes();
    assert.equal(types.filter((type) => type === 'dev.gyre.dataset.versioned.v1').length, 6);
    assert.equal(types.at(-1), 'dev.gyre.split.created.v1');
    assert.deepEqual(await bench.data.getSplit(split.id), split);
    assert.deepEqual(await bench.data.splitsOf(version.digest), [split]);
  });

  test('again in the same way is the same split; another salt is another', async () => {
    await using bench = await openBench();
    const { version } = await bench.data.ingest({ dataset: 'customers', path: churn, by: ada });
    const request = { dataset: 'customers', key: 'customerID', parts: { a: 0.5, b: 0.5 }, salt: 'x', by: ada };
    const first = await bench.data.split(version.digest, request);
    assert.deepEqual(await bench.data.split(version.digest, request), first);
    const other = await bench.data.split(version.digest, { ...request, salt: 'y' });
    assert.notEqual(other.parts[0].version, first.parts[0].version);
    await assert.rejects(bench.data.open(version.digest, { part: 'c' }), { code: 'NOT_FOUND', message: /its parts are a, b/ });
  });

  test('never moves a row when others come, go or change places', async () => {
    const keys = Array.from({ length: 500 }, (_, i) => `k${i}`);
    const ranges = partRanges({ train: 0.7, test: 0.3 });
    const sideOf = async (list: readonly string[]): Promise<Map<string, string>> => {
      const { frame } = readCsv(Buffer.from(`k\n${list.join('\n')}\n`));
      const rows = await assignRows(frame, 'k', 'salt', ranges);
      return new Map(rows.flatMap((part, i) => [...part].map((row): [string, string] => [list[row], ranges[i].part])));
    };
    const before = await sideOf(keys);
    const after = await sideOf([...Array.from({ length: 300 }, (_, i) => `new${i}`), ...[...keys].reverse().filter((_, i) => i % 5 > 0)]);
    for (const [key, side] of before) if (after.has(key)) assert.equal(after.get(key), side);
  });

  test('puts a key beside the same rows whether it is a number or a text', async () => {
    const ranges = partRanges({ a: 0.5, b: 0.5 });
    const side = (text: string, types = {}): Promise<readonly Int32Array[]> =>
      assignRows(readCsv(Buffer.from(text), { types }).frame, 'k', 's', ranges);
    const numbers = `k\n${Array.from({ length: 40 }, (_, i) => i).join('\n')}\n`;
    assert.deepEqual(await side(numbers), await side(numbers, { k: 'string' }));
  });

  test('refuses missing and repeated keys, wrong fractions, empty parts and an unusable target', async () => {
    await using bench = await openBench();
    const split = async (content: string, over: object = {}) => {
      const { version } = await bench.data.ingest({ dataset: 'd', path: await bench.file('a.csv', content), by: ada });
      return bench.data.split(version.digest, { dataset: 'd', key: 'k', parts: { a: 0.5, b: 0.5 }, salt: 's', by: ada, ...over });
    };
    const good = `k,y\n${Array.from({ length: 40 }, (_, i) => `${i},${i % 2 ? 'yes' : 'no'}`).join('\n')}\n`;
    await assert.rejects(split('k,x\na,1\n,2\n,3\n'), {
      code: 'FAILED_PRECONDITION',
      message: /key "k" is missing in 2 rows \(row 3, 4\)/,
    });
    await assert.rejects(split('k,x\na,1\nb,2\na,3\n'), { code: 'FAILED_PRECONDITION', message: /row 4 repeats that of row 2/ });
    await assert.rejects(split(good, { key: 'id' }), { message: /no column "id"/ });
    await assert.rejects(split(good, { parts: { a: 0.5, b: 0.4 } }), { code: 'INVALID_ARGUMENT', message: /sum to 0.9; 1 is needed/ });
    await assert.rejects(split(good, { parts: { a: 1.5, b: -0.5 } }), { message: /part "a" has fraction 1.5/ });
    await assert.rejects(split('k,x\na,1\nb,2\n', { parts: { a: 0.999, b: 0.001 } }), { message: /2 rows leave part "b" empty/ });
    await assert.rejects(split('k,y\na,yes\nb,yes\n', { stratify: 'y' }), { message: /one class only \(yes\)/ });
    assert.equal((await bench.data.list({ part: 'a' })).items.length, 0);
    await split(good);
    assert.equal((await bench.data.list({ part: 'a' })).items.length, 1);
  });

  test('reports a key that carries the target', async () => {
    await using bench = await openBench();
    const salted = Array.from({ length: 600 }, (_, i) => `${i},${placeOf(String(i), 's') < 0.5 ? 'yes' : i % 9 ? 'no' : 'yes'}`);
    const { version } = await bench.data.ingest({ dataset: 'd', path: await bench.file('a.csv', `k,y\n${salted.join('\n')}\n`), by: ada });
    const split = await bench.data.split(version.digest, {
      dataset: 'd',
      key: 'k',
      parts: { a: 0.5, b: 0.5 },
      salt: 's',
      stratify: 'y',
      by: ada,
    });
    assert.match(split.stratification?.message ?? '', /more than chance explains/);
  });
});
