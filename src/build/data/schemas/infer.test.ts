import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import type { ColumnSchema } from '#contract';
import { readCsv, writeParquet } from '#tables';
import { openBatches } from '../quality/batches.ts';
import { ada, openBench } from '../testing.ts';
import { validateFrame } from '../validate.ts';
import { compareFrame } from './compare.ts';
import { inferFrame, inferRows, inferenceText } from './infer.ts';
import type { Inferred } from './infer.ts';
import { speaksOf } from './suggest-references.ts';
import { formOf } from './value-form.ts';

const now = Date.UTC(2026, 10, 10);
const hourMs = 3_600_000;

/** Two rows an hour of each of three shops, over three days until now; every fifth note is missing. */
function sales(rows = 432): string {
  const random = seeded(3);
  const lines = Array.from({ length: rows }, (_, i) => {
    const at = new Date(now - (rows - i) * (hourMs / 6)).toISOString();
    const shop = ['N1', 'N2', 'S1'][i % 3];
    return `${at},${shop},A-${1000 + i},${(random.next() * 50).toFixed(2)},${random.next().toFixed(3)},${i % 5 === 0 ? '' : 'fine'},u${i}@example.org`;
  });
  return `sold_at,shop,order_id,amount,discount_rate,note,contact\n${lines.join('\n')}\n`;
}

const frameOf = (csv: string) => readCsv(Buffer.from(csv)).frame;
const columnOf = ({ schema }: Inferred, name: string): ColumnSchema => {
  const found = schema.columns.find((column) => column.name === name);
  assert.ok(found, `a column ${name}`);
  return found;
};

describe('an inferred schema', () => {
  test('says types, domains, ranges, presence, uniqueness, patterns, the order and rhythm of time, and freshness', async () => {
    const inferred = await inferFrame(frameOf(sales()), { now });
    assert.deepEqual(columnOf(inferred, 'sold_at'), {
      name: 'sold_at',
      type: 'instant',
      nullable: false,
      order: 'rising',
      freshness: '6h',
    });
    assert.deepEqual(columnOf(inferred, 'shop').categories, ['N1', 'N2', 'S1']);
    assert.deepEqual(columnOf(inferred, 'order_id'), {
      name: 'order_id',
      type: 'string',
      nullable: false,
      unique: true,
      pattern: '[A-Z]-[0-9]{4}',
    });
    assert.deepEqual(columnOf(inferred, 'discount_rate'), { name: 'discount_rate', type: 'number', nullable: false, min: 0, max: 1 });
    assert.deepEqual(columnOf(inferred, 'amount'), { name: 'amount', type: 'number', nullable: false, min: 0 });
    assert.equal(columnOf(inferred, 'note').maxMissing, 0.5, 'a fifth is missing, twice that is allowed, rounded up');
    assert.deepEqual(inferred.schema.time, { column: 'sold_at', every: '1h' });
    assert.match(inferred.tableReasons.join(), /rows in every 1h/);
  });

  test('writes no value of a column that looks personal, nor of one that is said to be', async () => {
    const inferred = await inferFrame(frameOf(sales()), { now, tight: true, masked: new Set(['shop', 'amount']) });
    assert.equal(columnOf(inferred, 'contact').personal, true);
    assert.deepEqual(columnOf(inferred, 'shop'), { name: 'shop', type: 'string', nullable: false, personal: true });
    assert.deepEqual(columnOf(inferred, 'amount'), { name: 'amount', type: 'number', nullable: false, personal: true });
    const text = inferenceText('sales', inferred, true);
    assert.ok(!/N1|example\.org/.test(text), text);
  });

  test('holds later rows to what was seen only where that is asked for', async () => {
    const tight = await inferFrame(frameOf('a,b\n5,xy\n9,xyz\n7,x y\n'), { now, tight: true });
    assert.deepEqual([columnOf(tight, 'a').min, columnOf(tight, 'a').max], [5, 9]);
    const loose = await inferFrame(frameOf('a,b\n5,xy\n9,xyz\n7,x y\n'), { now });
    assert.deepEqual([columnOf(loose, 'a').min, columnOf(loose, 'a').max], [0, undefined]);
  });

  test('finds two columns that name a row together, unless chance would do as well', async () => {
    const days = Array.from({ length: 40 }, (_, day) => ['a', 'b', 'c'].map((shop) => `${day},${shop},1`).join('\n')).join('\n');
    const paired = await inferFrame(frameOf(`day,shop,v\n${days}\n`), { now });
    assert.deepEqual(paired.schema.keys, [['shop', 'day']]);
    const random = seeded(1);
    const noise = Array.from({ length: 60 }, () => `${random.int(50)},${random.int(1000)}`).join('\n');
    assert.equal((await inferFrame(frameOf(`x,y\n${noise}\n`), { now })).schema.keys, undefined);
  });

  test('holds in every row that it was inferred from, whatever the rows are', async () => {
    const random = seeded(11);
    for (let table = 0; table < 30; table++) {
      const rows = 5 + random.int(60);
      const lines = Array.from({ length: rows }, (_, i) => {
        const at = random.int(2) === 0 ? new Date(now + random.int(9) * hourMs).toISOString() : '';
        return [
          i,
          random.int(3),
          random.normal().toFixed(2),
          at,
          random.int(5) === 0 ? '' : `K-${random.int(40)}`,
          random.next() > 0.5,
        ].join(',');
      });
      const frame = frameOf(`id,few,number,at,code,flag\n${lines.join('\n')}\n`);
      const { schema } = await inferFrame(frame, { now, tight: table % 2 === 0 });
      const failing = validateFrame(frame, schema).filter(({ outcome }) => outcome === 'fail');
      assert.deepEqual(failing, [], `table ${table}`);
    }
  });

  test('of a table beyond memory is checked on all rows, not on the ones that were drawn', async () => {
    await using bench = await openBench();
    // the one value that is no code, the one that is missing and the one that is repeated hide among those that are not drawn
    const lines = Array.from(
      { length: 20_000 },
      (_, i) => `${i === 7001 ? 7000 : i},${i === 17_777 ? 'none' : i === 5 ? '' : `K-${i % 500}`}`,
    );
    const path = await bench.file('large.parquet', '');
    await writeParquet(frameOf(`row_id,code\n${lines.join('\n')}\n`), path);
    const opened = await openBatches(path, () => Promise.reject(new Error('too large')), { cells: 0, sampleRows: 300 });
    const inferred = await inferRows(opened, { now });
    assert.equal(inferred.rows, 20_000);
    assert.equal(columnOf(inferred, 'row_id').unique, undefined);
    assert.equal(columnOf(inferred, 'code').pattern, undefined);
    assert.equal(columnOf(inferred, 'code').nullable, true);
  });

  test('refers to another dataset by a name that speaks of it, where each value stands there once', async () => {
    await using bench = await openBench();
    const add = async (dataset: string, csv: string) =>
      (await bench.data.ingest({ dataset, path: await bench.file(`${dataset}.csv`, csv), by: ada })).version;
    await add('shops', 'code,city\nN1,a\nN2,b\nS1,c\nS2,d\n');
    await add('towns', 'shop,size\nN1,1\nN1,2\nN2,3\nS1,4\n');
    const version = await add('sales', sales());
    const { schema } = await bench.data.inferSchema(version.digest, {});
    assert.deepEqual(schema.columns[1], {
      name: 'shop',
      type: 'string',
      nullable: false,
      references: { dataset: 'shops', column: 'code' },
    });
    const broken = await add('strays', 'shop,v\nN1,1\nX9,2\n');
    assert.equal((await bench.data.inferSchema(broken.digest, {})).schema.columns[0].references, undefined);
  });
});

describe('a column’s name', () => {
  test('speaks of a dataset in the singular, with or without the name of its column', () => {
    const speaks = (column: string, dataset: string, other: string): boolean => speaksOf(column, { dataset, column: other });
    assert.ok(speaks('customer_id', 'customers', 'id'));
    assert.ok(speaks('customerID', 'customers', 'customerID'));
    assert.ok(speaks('city', 'cities', 'name'));
    assert.ok(!speaks('id', 'customers', 'id'), 'every table has an id of its own');
    assert.ok(!speaks('amount', 'customers', 'id'));
  });
});

describe('the form of values', () => {
  test('is one of codes with digits, and none of words and sentences', () => {
    assert.equal(formOf(['7590-VHVEG', '0280-XJGEX']), '[0-9]{4}-[A-Z]{5}');
    assert.equal(formOf(['inv.7', 'inv.1234']), '[a-z]{3}\\.[0-9]+');
    assert.equal(formOf(['Ada', 'Bob']), undefined);
    assert.equal(formOf(['A-1', 'B 2']), undefined);
    assert.equal(formOf([]), undefined);
    assert.ok(new RegExp(`^(?:${formOf(['a/b(1)+2', 'c/d(2)+3']) ?? ''})$`, 'u').test('x/y(9)+9'));
  });
});

describe('rows and a reviewed schema', () => {
  test('differ in what breaks it, what could be said beyond it, and what it allows in vain', async () => {
    const reviewed = {
      columns: [
        { name: 'shop', type: 'string', nullable: false, categories: ['N1', 'N2', 'W9'] },
        { name: 'amount', type: 'number', max: 40 },
        { name: 'discount_rate', type: 'string' },
        { name: 'gone', type: 'string' },
        { name: 'later', type: 'string', presence: 'optional' },
        { name: 'note', type: 'string' },
        { name: 'contact', type: 'string' },
        { name: 'sold_at', type: 'instant' },
      ] satisfies ColumnSchema[],
    };
    const { fits, differences } = await compareFrame(frameOf(sales()), reviewed, { now });
    assert.equal(fits, false);
    const found = differences.map(({ kind, column, member, rows }) => [kind, column, member, rows]);
    assert.deepEqual(
      found.filter(([kind]) => kind === 'broken'),
      [
        ['broken', 'order_id', 'columns', undefined],
        ['broken', 'gone', 'columns', undefined],
        ['broken', 'shop', 'categories: shop', 144],
        ['broken', 'amount', 'range: amount', differences.find(({ member }) => member === 'range: amount')?.rows],
        ['broken', 'discount_rate', 'type: discount_rate', 432],
      ],
    );
    assert.deepEqual(
      found.filter(([kind]) => kind === 'unused').map(([, column, member]) => [column, member]),
      [
        ['later', 'columns'],
        ['shop', 'categories'],
      ],
    );
    const suggested = found.filter(([kind]) => kind === 'suggested').map(([, column, member]) => `${column}.${member}`);
    assert.ok(
      suggested.includes('contact.personal') && suggested.includes('amount.min') && suggested.includes('sold_at.order'),
      suggested.join(),
    );
    assert.ok(!suggested.includes('shop.nullable'), 'what is said already is not suggested');
  });

  test('do not differ when the schema is the one that they suggest', async () => {
    const frame = frameOf(sales());
    const { schema } = await inferFrame(frame, { now });
    assert.deepEqual(await compareFrame(frame, schema, { now }), { rows: 432, fits: true, differences: [] });
  });

  test('show no value of a masked column', async () => {
    const reviewed = { columns: [{ name: 'a', type: 'string', categories: ['secret1'] }] satisfies ColumnSchema[] };
    const { differences } = await compareFrame(frameOf('a\nhidden\n'), reviewed, { now, masked: new Set(['a']) });
    assert.ok(!JSON.stringify(differences.flatMap(({ examples = [] }) => examples)).includes('hidden'));
    assert.ok(differences.some(({ kind, message }) => kind === 'unused' && message === 'no row has ***'));
  });
});
