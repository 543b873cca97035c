import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CellValue, DatasetComparison, TableSchema } from '#contract';
import { seeded } from '#core';
import { frameFromRecords, readCsv } from '#tables';
import type { Frame } from '#tables';
import type { CompareOptions } from '../port.ts';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';

const csv = (text: string): Frame => readCsv(Buffer.from(text)).frame;

async function versionOf(bench: Bench, frame: Frame, schema?: TableSchema): Promise<string> {
  const { version } = await bench.data.createFromRows({ dataset: 'd', frame, by: ada, source: 'test', ...(schema ? { schema } : {}) });
  return version.digest;
}

async function compared(from: Frame, to: Frame, options?: CompareOptions): Promise<DatasetComparison> {
  await using bench = await openBench();
  return await bench.data.compare(await versionOf(bench, from), await versionOf(bench, to), options);
}

const before = csv('k,x,c,when\na,1,red,2026-01-01\nb,2,blue,2026-01-02\nc,3,,2026-01-03\nd,4,red,2026-01-04\n');
const after = csv('k,x,c,when\nd,4,red,2026-01-04\na,1,green,2026-01-01\nc,,red,2026-01-03\ne,9,red,2026-01-05\n');

describe('rows of two versions', () => {
  test('are known again by their key: what came, what went, and which cells changed', async () => {
    const { rowChanges, columns } = await compared(before, after, { key: ['k'] });
    const { examples, ...counts } = rowChanges;
    assert.deepEqual(counts, { matchedBy: 'key', key: ['k'], added: 1, removed: 1, changed: 2, unchanged: 1 });
    assert.deepEqual(examples.added, [{ row: 5, cells: { k: 'e', x: 9, c: 'red', when: '2026-01-05T00:00:00.000Z' } }]);
    assert.deepEqual(examples.removed, [{ row: 3, cells: { k: 'b', x: 2, c: 'blue', when: '2026-01-02T00:00:00.000Z' } }]);
    assert.deepEqual(examples.changed, [
      { key: { k: 'a' }, from: 2, to: 3, cells: [{ column: 'c', from: 'red', to: 'green' }] },
      {
        key: { k: 'c' },
        from: 4,
        to: 4,
        cells: [
          { column: 'x', from: 3, to: null },
          { column: 'c', from: null, to: 'red' },
        ],
      },
    ]);
    assert.deepEqual(
      columns.map(({ column, changedCells }) => [column, changedCells]),
      [
        ['k', undefined],
        ['x', 1],
        ['c', 2],
        ['when', 0],
      ],
    );
    assert.deepEqual(columns[1].examples, [{ row: 4, from: 3, to: null }]);
  });

  test('are the same in one pass, in many, and by brute force', async () => {
    const random = seeded(7);
    const word = (): string | null => (random.next() < 0.1 ? null : ['red', 'blue', 'green'][Math.floor(random.next() * 3)]);
    const rowsOf = (ids: readonly number[]): Record<string, CellValue>[] =>
      ids.map((id) => ({
        a: id % 40,
        b: id % 3 === 0 ? null : `b${Math.floor(id / 40)}`,
        x: random.next() < 0.2 ? null : Math.floor(random.next() * 2),
        w: word(),
      }));
    const ids = Array.from({ length: 1200 }, (_, i) => i).filter((i) => i % 3 !== 0 || i < 40);
    const [old, fresh] = [rowsOf(ids.filter((id) => id % 11 !== 0)), rowsOf(ids.filter((id) => id % 13 !== 0).reverse())];
    const types = [
      { name: 'a', type: 'integer' },
      { name: 'b', type: 'string' },
      { name: 'x', type: 'integer' },
      { name: 'w', type: 'string' },
    ] as const;
    const wider = types.map((column) => (column.name === 'x' ? { name: 'x', type: 'number' as const } : column));
    const nameOf = (row: Record<string, CellValue>): string => JSON.stringify([row.a, row.b]);
    const [olds, news] = [old, fresh].map((rows) => new Map(rows.map((row) => [nameOf(row), row])));
    assert.ok(olds.size === old.length && news.size === fresh.length);
    const kept = [...olds].flatMap(([name, row]) => {
      const other = news.get(name);
      return other === undefined ? [] : [{ row, other }];
    });
    const expected = {
      added: fresh.length - kept.length,
      removed: old.length - kept.length,
      changed: kept.filter(({ row, other }) => row.x !== other.x || row.w !== other.w).length,
      unchanged: kept.filter(({ row, other }) => row.x === other.x && row.w === other.w).length,
    };
    await using bench = await openBench();
    const [from, to] = [await versionOf(bench, frameFromRecords(old, types)), await versionOf(bench, frameFromRecords(fresh, wider))];
    const one = await bench.data.compare(from, to, { key: ['a', 'b'], examples: 5 });
    const many = await bench.data.compare(from, to, { key: ['a', 'b'], examples: 5, cellsPerPass: 700 });
    const { added, removed, changed, unchanged } = one.rowChanges;
    assert.deepEqual({ added, removed, changed, unchanged }, expected);
    assert.deepEqual(many, one);
    for (const column of ['x', 'w'] as const) {
      assert.equal(
        one.columns.find((each) => each.column === column)?.changedCells,
        kept.filter(({ row, other }) => row[column] !== other[column]).length,
      );
    }
    const whole = await bench.data.compare(from, to, { cellsPerPass: 700 });
    assert.equal(whole.rowChanges.unchanged, expected.unchanged);
  });

  test('without a key are matched whole, as often as both sides have them', async () => {
    const { rowChanges } = await compared(csv('x,y\n1,a\n1,a\n1,a\n2,b\n'), csv('x,y\n1,a\n3,c\n2,b\n2,b\n'));
    const { examples, note, ...counts } = rowChanges;
    assert.deepEqual(counts, { matchedBy: 'row', added: 2, removed: 2, changed: 0, unchanged: 2 });
    assert.match(note ?? '', /no key is known/);
    assert.deepEqual(
      examples.added.map(({ cells }) => cells),
      [
        { x: 3, y: 'c' },
        { x: 2, y: 'b' },
      ],
    );
  });

  test('with nothing in common are all new', async () => {
    const { rowChanges, columns } = await compared(csv('x\n1\n2\n'), csv('y\n1\n'));
    assert.deepEqual([rowChanges.added, rowChanges.removed, rowChanges.unchanged, columns], [1, 2, 0, []]);
  });

  test('need a key that names one row on both sides: one that was asked for is refused, a known one gives way', async () => {
    const twice = csv('k,x\na,1\nb,2\na,3\n');
    await assert.rejects(compared(twice, before, { key: ['k'] }), {
      code: 'FAILED_PRECONDITION',
      message: /key k is not unique in [0-9a-f]{12}: rows 2 and 4/,
    });
    await assert.rejects(compared(twice, before, { key: ['nope'] }), {
      code: 'INVALID_ARGUMENT',
      message: /"nope" is no column of both .* both have k, x/,
    });
    const { rowChanges } = await compared(twice, before, { usualKey: 'k' });
    assert.equal(rowChanges.matchedBy, 'row');
    assert.match(rowChanges.note ?? '', /not unique/);
  });

  test('are matched by the key that a version was split by', async () => {
    await using bench = await openBench();
    const many = csv(`k,x\n${Array.from({ length: 60 }, (_, i) => `k${i},${i}`).join('\n')}\n`);
    const from = await versionOf(bench, many);
    await bench.data.split(from, { dataset: 'd', key: 'k', parts: { a: 0.5, b: 0.5 }, salt: 's', by: ada });
    const { rowChanges } = await bench.data.compare(from, await versionOf(bench, csv('k,x\nk1,1\nk2,5\n')));
    assert.deepEqual([rowChanges.key, rowChanges.removed, rowChanges.changed], [['k'], 58, 1]);
  });
});

describe('columns of two versions', () => {
  const numbers = (n: number, shift: number): Frame =>
    csv(
      `k,x,c\n${Array.from({ length: n }, (_, i) => `${i},${i % 10 === 0 ? '' : (i % 100) + shift},${i % 3 ? 'red' : 'blue'}`).join('\n')}\n`,
    );

  test('are counted over the same bins and categories, each row once', async () => {
    const { columns, differences } = await compared(numbers(400, 0), numbers(300, 50), { key: ['k'] });
    const x = columns[1];
    assert.deepEqual(x.missing, { from: 40, to: 30 });
    assert.equal(x.bins?.length, 20);
    assert.deepEqual([x.bins[0].low, x.bins[19].high], [1, 149]);
    assert.equal(
      x.bins.reduce((sum, bin) => sum + bin.from, 0),
      360,
    );
    assert.equal(
      x.bins.reduce((sum, bin) => sum + bin.to, 0),
      270,
    );
    for (const [i, bin] of x.bins.entries()) if (i > 0) assert.equal(bin.low, x.bins[i - 1].high);
    assert.deepEqual(columns[2].categories, {
      top: [
        { value: 'red', from: 266, to: 200 },
        { value: 'blue', from: 134, to: 100 },
      ],
      others: { values: 0, from: 0, to: 0 },
    });
    assert.deepEqual(
      differences.map(({ column, change }) => [column, change]),
      [
        ['k', 'values'],
        ['x', 'values'],
      ],
    );
    assert.ok((x.test?.adjusted ?? 1) < 1e-6 && x.test?.rows.from === 360);
  });

  test('that miss more values than chance explains are named', async () => {
    const gone = (every: number): Frame =>
      csv(`k,x\n${Array.from({ length: 500 }, (_, i) => `${i},${i % every ? i % 17 : ''}`).join('\n')}\n`);
    const { differences } = await compared(gone(50), gone(5));
    assert.deepEqual(
      differences.map(({ column, change, message }) => [column, change, message]),
      [['x', 'missing', 'x is missing in 100 rows, in 10 before']],
    );
  });

  test('that moved, changed their type or what is expected of them are named', async () => {
    await using bench = await openBench();
    const schema = (min: number): TableSchema => ({
      columns: [
        { name: 'k', type: 'string' },
        { name: 'x', type: 'integer', min },
        { name: 'y', type: 'string' },
      ],
    });
    const from = await versionOf(bench, csv('k,x,y\na,1,p\nb,2,q\n'), schema(0));
    const to = await versionOf(bench, csv('y,k,x\np,a,one\nq,b,two\n'), schema(1));
    const { differences, sameSchema } = await bench.data.compare(from, to, { key: ['k'] });
    assert.equal(sameSchema, false);
    assert.deepEqual(
      differences.map(({ message }) => message),
      ['x was integer, is string', 'columns are in another order, from y on', 'x: min was 0, is 1'],
    );
  });

  test('whose values the reader may not see are told to differ, and shown nowhere', async () => {
    const comparison = await compared(before, after, { key: ['k'], masked: new Set(['k', 'c', 'x']) });
    const text = JSON.stringify(comparison);
    for (const secret of ['"a"', '"e"', '"red"', '"blue"', '"green"', '"x":9']) assert.ok(!text.includes(secret), secret);
    assert.deepEqual(comparison.rowChanges.examples.changed[0], {
      key: { k: '***' },
      from: 2,
      to: 3,
      cells: [{ column: 'c', from: '***', to: '***' }],
    });
    const c = comparison.columns[2];
    assert.deepEqual([c.masked, c.changedCells, c.categories, c.bins], [true, 2, undefined, undefined]);
  });

  test('of one value, of none, and beyond what a span can hold have bins', async () => {
    const columns = { one: [5, 5], none: [null, null], wide: [-1.7e308, 1.7e308] };
    const types = Object.keys(columns).map((name) => ({ name, type: 'number' as const }));
    const frame = frameFromRecords(
      [0, 1].map((i) => ({ one: columns.one[i], none: columns.none[i], wide: columns.wide[i], n: i })),
      [...types, { name: 'n', type: 'integer' }],
    );
    const found = (await compared(frame, frame)).columns;
    assert.deepEqual(found[0].bins, [{ low: 5, high: 5, from: 2, to: 2 }]);
    assert.equal(found[1].bins, undefined);
    assert.equal(
      found[2].bins?.reduce((sum, { from }) => sum + from, 0),
      2,
    );
    assert.ok(found[2].bins.every(({ low, high }) => Number.isFinite(low) && Number.isFinite(high)));
  });

  test('may have the name that the reader gives to positions', async () => {
    const rows = (last: number): Frame => csv(`file_row_number,x\n70,1\n80,2\n90,${last}\n`);
    const { rowChanges } = await compared(rows(3), rows(4), { key: ['file_row_number'] });
    assert.deepEqual(rowChanges.examples.changed, [
      { key: { file_row_number: 90 }, from: 4, to: 4, cells: [{ column: 'x', from: 3, to: 4 }] },
    ]);
  });
});
