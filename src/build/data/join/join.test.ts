import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import { toRecords } from '#tables';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import type { JoinRequest, JoinSide } from './join-request.ts';

const customers = `id,signup,city
1,2026-03-01T00:00:00Z,Rome
2,2026-03-01T00:00:00Z,Oslo
3,2026-01-10T00:00:00Z,Rome
,2026-02-01T00:00:00Z,Bern
`;
const transactions = `tx,customer,ts,amount,shop,refunded
a,1,2026-01-01T00:00:00Z,10,north,false
b,1,2026-02-20T00:00:00Z,2.5,south,true
c,1,2026-03-01T00:00:00Z,100,north,false
d,2,2026-02-25T00:00:00Z,7,north,false
e,2,2026-02-25T00:00:00Z,,south,false
f,2,2026-04-01T00:00:00Z,50,east,true
g,9,2026-01-01T00:00:00Z,1,east,false
`;

describe('joining dataset versions', () => {
  let bench: Bench;
  let versions: Record<string, string>;
  beforeEach(async () => {
    bench = await openBench();
    versions = {};
    await add('customers', customers);
    await add('transactions', transactions);
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const add = async (dataset: string, csv: string): Promise<void> => {
    const path = await bench.file(`${dataset}.csv`, csv);
    versions[dataset] = (await bench.data.ingest({ dataset, path, by: ada })).version.digest;
  };
  const side = (taken: JoinSide['taken'], more: Partial<JoinSide> = {}): JoinSide => ({
    name: 'transactions',
    dataset: 'transactions',
    version: versions['transactions'],
    key: 'customer',
    time: 'ts',
    bounds: 'before',
    taken,
    ...more,
  });
  const request = (sides: readonly JoinSide[], more: Partial<JoinRequest> = {}): JoinRequest => ({
    dataset: 'profile',
    base: 'customers',
    version: versions['customers'],
    key: 'id',
    at: 'signup',
    sides,
    source: 'join of customers with transactions',
    by: ada,
    ...more,
  });
  const joined = async (sides: readonly JoinSide[], more: Partial<JoinRequest> = {}): Promise<readonly Record<string, unknown>[]> =>
    toRecords(await bench.data.open((await bench.data.join(request(sides, more))).version.digest));
  const figures: JoinSide['taken'] = {
    kind: 'aggregate',
    aggregates: [
      { name: 'visits', function: 'count' },
      { name: 'paid', function: 'count', column: 'amount' },
      { name: 'spend', function: 'sum', column: 'amount' },
      { name: 'mean', function: 'mean', column: 'amount' },
      { name: 'shops', function: 'count_distinct', column: 'shop' },
      { name: 'refunds', function: 'sum', column: 'refunded' },
      { name: 'last_shop', function: 'last', column: 'shop' },
      { name: 'last_visit', function: 'max', column: 'ts' },
    ],
  };

  test('gives each row of the base, in its order, figures over the rows of its key that were known before its instant', async () => {
    assert.deepEqual(await joined([side(figures)]), [
      {
        id: 1,
        signup: '2026-03-01T00:00:00.000Z',
        city: 'Rome',
        visits: 2,
        paid: 2,
        spend: 12.5,
        mean: 6.25,
        shops: 2,
        refunds: 1,
        last_shop: 'south',
        last_visit: '2026-02-20T00:00:00.000Z',
      },
      {
        id: 2,
        signup: '2026-03-01T00:00:00.000Z',
        city: 'Oslo',
        visits: 2,
        paid: 1,
        spend: 7,
        mean: 7,
        shops: 2,
        refunds: 0,
        last_shop: 'south',
        last_visit: '2026-02-25T00:00:00.000Z',
      },
      ...[
        { id: 3, signup: '2026-01-10T00:00:00.000Z', city: 'Rome' },
        { id: null, signup: '2026-02-01T00:00:00.000Z', city: 'Bern' },
      ].map((row) => ({ ...row, visits: 0, paid: 0, spend: 0, mean: null, shops: 0, refunds: 0, last_shop: null, last_visit: null })),
    ]);
  });

  test('counts rows of the very instant where that is said, and only those within a window', async () => {
    const visits: JoinSide['taken'] = { kind: 'aggregate', aggregates: [{ name: 'visits', function: 'count' }] };
    const column = async (more: Partial<JoinSide>): Promise<readonly unknown[]> =>
      (await joined([side(visits, more)])).map((row) => row['visits']);
    assert.deepEqual(await column({}), [2, 2, 0, 0]);
    assert.deepEqual(await column({ bounds: 'at' }), [3, 2, 0, 0]);
    assert.deepEqual(await column({ windowMs: 9 * 86_400_000 }), [1, 2, 0, 0], 'the window begins with its first instant');
    assert.deepEqual(await column({ windowMs: 9 * 86_400_000 - 1 }), [0, 2, 0, 0]);
  });

  test('takes the newest row before the instant; of two of the same instant the later in the file', async () => {
    const taken: JoinSide['taken'] = {
      kind: 'latest',
      columns: [
        { name: 'last_shop', column: 'shop' },
        { name: 'amount', column: 'amount' },
      ],
    };
    const shops = async (more: Partial<JoinSide>): Promise<readonly unknown[]> =>
      (await joined([side(taken, more)])).map((row) => [row['last_shop'], row['amount']]);
    assert.deepEqual(await shops({}), [
      ['south', 2.5],
      ['south', null],
      [null, null],
      [null, null],
    ]);
    assert.deepEqual((await shops({ bounds: 'at' }))[0], ['north', 100]);
    assert.deepEqual((await shops({ windowMs: 86_400_000 }))[0], [null, null]);
  });

  test('without an instant, takes the newest of all, and figures over all', async () => {
    const taken: JoinSide['taken'] = { kind: 'latest', columns: [{ name: 'shop', column: 'shop' }] };
    const { at: _at, ...rest } = request([side(taken)]);
    const { version } = await bench.data.join(rest);
    assert.deepEqual(
      toRecords(await bench.data.open(version.digest)).map(({ shop }) => shop),
      ['north', 'east', null, null],
    );
  });

  test('joins a side of one row a key, whole or by columns with other names, and several sides at once', async () => {
    await add('demographics', 'person,age,income\n2,40,10.5\n1,30,\n8,1,1\n');
    const demographics = {
      name: 'demographics',
      dataset: 'demographics',
      version: versions['demographics'],
      key: 'person',
      bounds: 'before' as const,
    };
    const rows = await joined([
      side({ kind: 'aggregate', aggregates: [{ name: 'visits', function: 'count' }] }),
      { ...demographics, taken: { kind: 'one' } },
      { ...demographics, name: 'again', taken: { kind: 'one', columns: [{ name: 'years', column: 'age' }] } },
    ]);
    assert.deepEqual(
      rows.map(({ id, visits, age, income, years }) => [id, visits, age, income, years]),
      [
        [1, 2, 30, null, 30],
        [2, 2, 40, 10.5, 40],
        [3, 0, null, null, null],
        [null, 0, null, null, null],
      ],
    );
  });

  test('records every parent, the operation and what was asked for; the same join again is the same version', async () => {
    const first = await bench.data.join(request([side(figures, { windowMs: 1000 })]));
    assert.deepEqual(first.version.manifest.derivedFrom?.parents, [versions['customers'], versions['transactions']]);
    assert.equal(first.version.manifest.derivedFrom?.operation, 'join');
    assert.partialDeepStrictEqual(first.version.manifest.derivedFrom?.parameters, { base: 'customers', key: 'id', at: 'signup' });
    assert.deepEqual(
      [first.created, first.version.dataset, first.version.source],
      [true, 'profile', 'join of customers with transactions'],
    );
    const again = await bench.data.join(request([side(figures, { windowMs: 1000 })]));
    assert.deepEqual([again.created, again.version], [false, first.version]);
    await using other = await openBench();
    for (const dataset of ['customers', 'transactions']) {
      const path = await other.file(`${dataset}.csv`, dataset === 'customers' ? customers : transactions);
      await other.data.ingest({ dataset, path, by: ada });
    }
    const there = await other.data.join(request([side(figures, { windowMs: 1000 })]));
    assert.equal(there.version.digest, first.version.digest, 'and in another store as well');
    await add('transactions', `${transactions}h,3,2026-01-01T00:00:00Z,4,north,false\n`);
    const changed = await bench.data.join(request([side(figures, { windowMs: 1000 })]));
    assert.notEqual(changed.version.digest, first.version.digest);
  });

  const refusals: readonly (readonly [
    string,
    (make: typeof side) => { sides: readonly JoinSide[]; more?: Partial<JoinRequest> },
    RegExp,
  ])[] = [
    [
      'a column that is not there',
      (make) => ({ sides: [make({ kind: 'latest', columns: [{ name: 'x', column: 'nope' }] })] }),
      /^data\.profile\.source\.with\.transactions\.latest: dataset "transactions" has no column "nope"; its columns: tx, customer/,
    ],
    [
      'figures of a text',
      (make) => ({ sides: [make({ kind: 'aggregate', aggregates: [{ name: 'x', function: 'sum', column: 'shop' }] })] }),
      /aggregate\.x: sum\(shop\) needs numbers, and "shop" is of type string/,
    ],
    [
      'a time that is none',
      (make) => ({ sides: [make({ kind: 'latest', columns: [] }, { time: 'amount' })] }),
      /\.time: "amount" is a column of type number; instants/,
    ],
    [
      'an instant that is none',
      () => ({ sides: [], more: { at: 'city' } }),
      /source\.at: "city" is a column of type string; instants are needed/,
    ],
    [
      'keys of different types',
      (make) => ({ sides: [make({ kind: 'one' }, { key: 'shop' })] }),
      /"shop" is of type string, and "id" of "customers" is of type integer/,
    ],
    [
      'a key that repeats where one row is expected',
      (make) => ({ sides: [make({ kind: 'one', columns: [{ name: 'x', column: 'shop' }] })] }),
      /"transactions" has 3 rows with customer "1" \(rows 2 to 4\), and one is expected: say "latest"/,
    ],
    [
      'two columns of one name',
      (make) => ({ sides: [make({ kind: 'latest', columns: [{ name: 'city', column: 'shop' }] })] }),
      /gives a column "city", and so does "customers"/,
    ],
  ];
  for (const [what, of, message] of refusals) {
    test(`${what} is refused with its place in gyre.yaml, and nothing is recorded`, async () => {
      const { sides, more } = of(side);
      await assert.rejects(
        bench.data.join(request(sides, more)),
        (error) => (hasCode(error, 'INVALID_ARGUMENT') || hasCode(error, 'FAILED_PRECONDITION')) && message.test(error.message),
      );
      assert.deepEqual((await bench.data.list({ dataset: 'profile' })).items, []);
    });
  }

  test('rows without an instant are counted and the first is named', async () => {
    await add('transactions', `${transactions}h,3,,4,north,false\n`);
    await assert.rejects(
      bench.data.join(request([side(figures)])),
      (error) =>
        hasCode(error, 'FAILED_PRECONDITION') &&
        error.message.startsWith('data.profile.source.with.transactions.time: 1 row of "transactions" has no ts, row 9 first'),
    );
  });
});
