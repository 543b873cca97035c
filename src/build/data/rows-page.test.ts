import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCsv } from '#tables';
import { ada, openBench } from './testing.ts';

const csv = `k,x,c,when,ok
a,3,red,2026-01-01,true
b,,blue and green,2026-01-02,false
c,1,red,2026-01-03,
d,2,,2026-01-04,true
`;

describe('a page of rows', () => {
  const open = async () => {
    const bench = await openBench();
    const { frame } = readCsv(Buffer.from(csv));
    const { version } = await bench.data.createFromRows({ dataset: 'd', frame, by: ada, source: 'test' });
    const keys = async (query: Parameters<typeof bench.data.rows>[1]): Promise<unknown[]> =>
      (await bench.data.rows(version.digest, query)).rows.map(({ k }) => k);
    return { bench, keys, digest: version.digest };
  };

  test('holds the rows and columns that are asked for, and says how many there are', async () => {
    const { bench, digest } = await open();
    await using _ = bench;
    assert.deepEqual(await bench.data.rows(digest, { offset: 1, limit: 2, columns: ['when', 'x'] }), {
      columns: [
        { name: 'when', type: 'instant' },
        { name: 'x', type: 'integer' },
      ],
      rows: [
        { when: '2026-01-02T00:00:00.000Z', x: null },
        { when: '2026-01-03T00:00:00.000Z', x: 1 },
      ],
      offset: 1,
      total: 4,
    });
    assert.deepEqual((await bench.data.rows(digest, { offset: 9 })).rows, []);
  });

  test('is sorted and selected by the comparisons of gyre.yaml', async () => {
    const { bench, keys, digest } = await open();
    await using _ = bench;
    assert.deepEqual(await keys({ sort: 'x' }), ['c', 'd', 'a', 'b']);
    assert.deepEqual(await keys({ sort: '-x', limit: 2, offset: 1 }), ['d', 'c']);
    assert.deepEqual(await keys({ sort: 'c' }), ['b', 'a', 'c', 'd']);
    assert.deepEqual(await keys({ where: 'x > 1' }), ['a', 'd']);
    assert.deepEqual(await keys({ where: "c = 'blue and green'" }), ['b']);
    assert.deepEqual(await keys({ where: "c != 'red' AND x != 7" }), []);
    assert.deepEqual(await keys({ where: "when >= '2026-01-02' and ok = 1" }), ['d']);
    assert.deepEqual(await keys({ where: "c = 'it'' OR 1=1 --'" }), [], 'a quote that stands twice is a part of the text');
    assert.deepEqual(await keys({ where: 'x is missing' }), ['b']);
    assert.deepEqual(await keys({ where: '"x" is not missing and x > 1' }), ['a', 'd']);
    await assert.rejects(keys({ where: 'nope is missing' }), { code: 'INVALID_ARGUMENT', message: /no column "nope"/ });
    await assert.rejects(keys({ where: "c = 'it' OR 1=1 --'" }), { code: 'INVALID_ARGUMENT' });
    assert.equal((await bench.data.rows(digest, { where: 'x > 1', limit: 1 })).total, 2);
    await assert.rejects(keys({ where: 'nope > 1' }), { code: 'INVALID_ARGUMENT', message: /no column "nope"/ });
    await assert.rejects(keys({ where: 'x like 1' }), { code: 'INVALID_ARGUMENT', message: /is no comparison/ });
    await assert.rejects(keys({ sort: 'nope' }), { code: 'INVALID_ARGUMENT', message: /the columns are k, x, c/ });
  });

  test('shows masked columns as *** or null, and is neither sorted nor selected by them', async () => {
    const { bench, digest } = await open();
    await using _ = bench;
    const masked = new Set(['c', 'x']);
    const { rows, columns } = await bench.data.rows(digest, { masked, columns: ['k', 'c', 'x'] });
    assert.deepEqual(
      rows.map(({ c }) => c),
      ['***', '***', '***', null],
    );
    assert.ok(rows.every(({ x }) => x === null));
    assert.deepEqual(columns[1], { name: 'c', type: 'string', masked: true });
    for (const query of [{ sort: '-c' }, { where: 'x > 1' }, { where: "k != 'a' and c = 'red'" }]) {
      await assert.rejects(bench.data.rows(digest, { masked, ...query }), { code: 'PERMISSION_DENIED', message: /masked for you/ });
    }
  });
});

describe('SQL over dataset versions', () => {
  test('names the newest version of a dataset, a version by its digest, or the one that is asked for', async () => {
    await using bench = await openBench();
    const version = async (text: string): Promise<string> =>
      (await bench.data.createFromRows({ dataset: 'd', frame: readCsv(Buffer.from(text)).frame, by: ada, source: 'test' })).version.digest;
    const [old, fresh] = [await version('k,x\na,1\n'), await version('k,x\na,1\nb,2\n')];
    const counted = await bench.data.sql({ sql: `SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM "d@${old.slice(0, 8)}")` });
    assert.deepEqual(counted.rows, [[2, 1]]);
    assert.deepEqual(counted.tables.map((table) => table.version.digest).sort(), [old, fresh].sort());
    assert.deepEqual((await bench.data.sql({ sql: 'SELECT count(*) FROM d', versions: { d: old } })).rows, [[1]]);
    const masked = await bench.data.sql({ sql: 'SELECT DISTINCT k FROM d', masked: () => new Set(['k']) });
    assert.deepEqual([masked.rows, masked.tables[0].masked], [[['***']], ['k']]);
    await assert.rejects(bench.data.sql({ sql: 'SELECT * FROM e' }), { code: 'NOT_FOUND', message: /no dataset "e"/ });
    await assert.rejects(bench.data.sql({ sql: `SELECT * FROM "e@${old}"` }), { code: 'NOT_FOUND', message: /is one of "d"/ });
    // more than run at once
    const all = await Promise.all([1, 2, 3, 4].map((n) => bench.data.sql({ sql: `SELECT ${n} + count(*) FROM d` })));
    assert.deepEqual(
      all.map(({ rows }) => rows[0][0]),
      [3, 4, 5, 6],
    );
  });
});
