import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import mysql from 'mysql2/promise';
import { Client } from 'pg';
import { isGyreError } from '#core';
import { toRecords } from '#tables';
import type { TableRecord } from '#tables';
import type { IngestRequest } from '../port.ts';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { workbook } from './testing.ts';

const postgresUrl = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const mysqlUrl = process.env['GYRE_TEST_MYSQL'] ?? 'mysql://root@127.0.0.1:3306/mysql';

async function postgres<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function mariadb<T>(work: (client: mysql.Connection) => Promise<T>): Promise<T> {
  const client = await mysql.createConnection({ uri: mysqlUrl, connectTimeout: 2000 });
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const answers = (asked: Promise<unknown>): Promise<boolean> => asked.then(() => true).catch(() => false);
const isRequired = process.env['CI'] === 'true';
const skipPostgres =
  isRequired || (await answers(postgres((client) => client.query('SELECT 1'))))
    ? undefined
    : 'no PostgreSQL answers; GYRE_TEST_POSTGRES names one';
const skipMysql =
  isRequired || (await answers(mariadb((client) => client.query('SELECT 1'))))
    ? undefined
    : 'no MariaDB answers; GYRE_TEST_MYSQL names one';

async function rowsOf(bench: Bench, version: string): Promise<TableRecord[]> {
  return toRecords(await bench.data.open(version));
}

async function failure(made: Promise<unknown>): Promise<string> {
  try {
    await made;
  } catch (error) {
    if (isGyreError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('an SQLite file as a source', () => {
  test('is asked by a query, with its watermark pushed down', async () => {
    await using bench = await openBench();
    const path = join(bench.folder, 'shop.db');
    using database = new DatabaseSync(path);
    database.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, code TEXT, price REAL, at TEXT, note TEXT);
      INSERT INTO orders VALUES (1, '007', 5.0, '2025-01-01T10:00:00Z', 'a, "b"'), (2, '12', 2.5, '2025-01-02T10:00:00Z', NULL)`);
    const request: IngestRequest = {
      dataset: 'orders',
      from: { kind: 'sqlite', path, query: 'SELECT id, code, price, note FROM orders ORDER BY id;' },
      source: 'shop.db',
      watermark: 'id',
      by: ada,
    };
    const first = await bench.data.ingest(request);
    assert.deepEqual(await rowsOf(bench, first.version.digest), [
      { id: 1, code: '007', price: 5, note: 'a, "b"' },
      { id: 2, code: '12', price: 2.5, note: null },
    ]);
    assert.deepEqual(
      first.version.schema.columns.map(({ type }) => type),
      ['integer', 'string', 'number', 'string'],
    );
    database.exec(`UPDATE orders SET note = 'changed' WHERE id = 1; INSERT INTO orders VALUES (3, '13', 1, '2025-01-03', 'x')`);
    const second = await bench.data.ingest(request);
    assert.deepEqual([second.ingestion.newRows, second.ingestion.rows, second.ingestion.watermark?.to], [1, 3, '3']);
    assert.equal((await rowsOf(bench, second.version.digest))[0]['note'], 'a, "b"', 'rows that were read stay');
    assert.equal((await bench.data.ingest(request)).created, false);
    assert.equal(first.ingestion.query, 'SELECT id, code, price, note FROM orders ORDER BY id;');
  });

  test('that changes nothing is known by its file; what it cannot say is refused', async () => {
    await using bench = await openBench();
    const path = join(bench.folder, 'shop.db');
    {
      using database = new DatabaseSync(path);
      database.exec(`CREATE TABLE t (id INTEGER, b BLOB, wide INTEGER); INSERT INTO t VALUES (1, x'00', 9007199254740993)`);
    }
    bench.clock.set(Date.now() + 3_600_000);
    const ask = (query: string) => bench.data.ingest({ dataset: 't', from: { kind: 'sqlite', path, query }, by: ada });
    const first = await ask('SELECT id FROM t');
    assert.deepEqual([(await ask('SELECT id FROM t')).created, first.created], [false, true]);
    assert.match(await failure(ask('SELECT b FROM t')), /^INVALID_ARGUMENT: column "b" of the query holds bytes/);
    assert.match(await failure(ask('SELECT nope FROM t')), /^INVALID_ARGUMENT: shop\.db: no such column: nope/);
    assert.match(await failure(ask('DELETE FROM t RETURNING id')), /^INVALID_ARGUMENT: shop\.db: near "DELETE": syntax error/);
    await ask('SELECT id FROM t) AS s; DELETE FROM t; --');
    assert.equal((await ask('SELECT count(*) AS n FROM t')).version.manifest.rows, 1);
    const wide = await ask('SELECT wide FROM t');
    assert.deepEqual(await rowsOf(bench, wide.version.digest), [{ wide: '9007199254740993' }], 'no digit is lost');
    const none = bench.data.ingest({ dataset: 't', from: { kind: 'sqlite', path: `${path}.no`, query: 'SELECT 1' }, by: ada });
    assert.match(await failure(none), /^NOT_FOUND: there is no file/);
  });
});

describe('PostgreSQL as a source', { skip: skipPostgres }, () => {
  test('gives a query by COPY, in the types that it has, and rows beyond the watermark', async () => {
    await using bench = await openBench();
    const table = `gyre_source_${randomUUID().replaceAll('-', '')}`;
    await postgres((client) =>
      client.query(`CREATE TABLE ${table} (id bigint, code text, price numeric(10,2), f float8, active boolean, day date, at timestamptz, u uuid);
        INSERT INTO ${table} VALUES
          (1, '007', 12.50, 1e-3, true, '2025-01-31', '2025-01-01 12:00:00.123456+02', '00000000-0000-0000-0000-000000000001'),
          (2, 'a, "b"\n', NULL, NULL, false, NULL, '2025-01-02 12:00:00Z', NULL)`),
    );
    try {
      const request: IngestRequest = {
        dataset: 'orders',
        from: { kind: 'postgres', address: postgresUrl, query: `SELECT * FROM ${table} ORDER BY id` },
        watermark: 'at',
        by: ada,
      };
      const first = await bench.data.ingest(request);
      assert.deepEqual(await rowsOf(bench, first.version.digest), [
        {
          id: 1,
          code: '007',
          price: 12.5,
          f: 0.001,
          active: true,
          day: '2025-01-31T00:00:00.000Z',
          at: '2025-01-01T10:00:00.123Z',
          u: '00000000-0000-0000-0000-000000000001',
        },
        { id: 2, code: 'a, "b"\n', price: null, f: null, active: false, day: null, at: '2025-01-02T12:00:00.000Z', u: null },
      ]);
      assert.deepEqual((await bench.data.ingest(request)).ingestion.outcome, 'unchanged');
      await postgres((client) =>
        client.query(`INSERT INTO ${table} (id, code, at) VALUES (3, 'c', '2025-01-02 12:00:00.0019Z'), (0, 'old', '2024-01-01')`),
      );
      const second = await bench.data.ingest(request);
      assert.deepEqual(
        [second.ingestion.newRows, second.ingestion.rows, second.ingestion.watermark?.to],
        [1, 3, '2025-01-02T12:00:00.001Z'],
      );
      assert.equal((await bench.data.ingest(request)).created, false, 'a moment with more digits than we keep is not read twice');
    } finally {
      await postgres((client) => client.query(`DROP TABLE ${table}`));
    }
  });

  test('says what is wrong without a secret; nothing can be changed by a query', async () => {
    await using bench = await openBench();
    const at = (address: string, query = 'SELECT 1 AS one'): Promise<string> =>
      failure(bench.data.ingest({ dataset: 'd', from: { kind: 'postgres', address, query }, by: ada }));
    const url = new URL(postgresUrl);
    url.username = 'nobody_here';
    url.password = 'hunter2hunter2';
    assert.match(await at(url.href), /^(UNAUTHENTICATED|INVALID_ARGUMENT): postgres:\/\/[^:]+:\d+\/postgres: .*nobody_here/);
    assert.match(
      await at('postgres://a:hunter2hunter2@127.0.0.1:1/x'),
      /^UNAVAILABLE: postgres:\/\/127\.0\.0\.1:1\/x: connect ECONNREFUSED/,
    );
    assert.match(await at('hunter2hunter2'), /^INVALID_ARGUMENT: the address of the database is none/);
    assert.match(await at(postgresUrl, 'SELECT * FROM no_such_table'), /^NOT_FOUND: .*no_such_table/);
    assert.match(await at(postgresUrl, 'SELECT ARRAY[1] AS a'), /column "a" of the query has type _int4/);
    assert.match(
      await at(postgresUrl, "SELECT 'infinity'::timestamptz AS t"),
      /declared as instant, but 1 value does not read as one: line 2 "infinity"/,
    );
    assert.match(
      await at(postgresUrl, 'SELECT 9007199254740993::bigint AS i'),
      /column "i" is declared as integer, but 1 value does not read as one/,
    );
    assert.match(await at(postgresUrl, "SELECT setval('no_such_sequence', 1) AS s"), /no_such_sequence/);
    assert.match(await at(postgresUrl, 'WITH d AS (DELETE FROM pg_am RETURNING 1) SELECT 1 AS one FROM d'), /INVALID_ARGUMENT/);
    const text = JSON.stringify((await bench.data.ingestions.list()).items);
    assert.doesNotMatch(text, /hunter2/);
  });

  test('that goes away in the middle leaves nothing', async () => {
    await using bench = await openBench();
    const mark = randomUUID();
    const query = `SELECT i, '${mark}' AS mark, pg_sleep(0.02)::text AS s FROM generate_series(1, 100000) AS i`;
    const asked = failure(bench.data.ingest({ dataset: 'd', from: { kind: 'postgres', address: postgresUrl, query }, by: ada }));
    for (let ended = 0; ended === 0; await sleep(20)) {
      ended = await postgres(async (client) => {
        const { rows } = await client.query<{ ended: number }>(
          `SELECT count(pg_terminate_backend(pid))::int AS ended FROM pg_stat_activity WHERE query LIKE 'COPY%' || $1 || '%' AND pid <> pg_backend_pid()`,
          [mark],
        );
        return rows[0].ended;
      });
    }
    assert.match(await asked, /^UNAVAILABLE: postgres:/);
    assert.deepEqual((await bench.data.list()).items, []);
    assert.deepEqual(
      (await bench.data.ingestions.list()).items.map(({ outcome }) => outcome),
      ['failed'],
    );
  });
});

describe('MariaDB as a source', { skip: skipMysql }, () => {
  test('gives a query in the types that it has, and rows beyond the watermark', async () => {
    await using bench = await openBench();
    const table = `gyre_source_${randomUUID().replaceAll('-', '')}`;
    await mariadb(async (client) => {
      await client.query(
        `CREATE TABLE ${table} (id BIGINT, code VARCHAR(20), price DECIMAL(10,2), f DOUBLE, day DATE, at DATETIME(6), kind ENUM('a','b'), t TEXT) CHARSET utf8mb4`,
      );
      await client.query(
        `INSERT INTO ${table} VALUES (1, '007', 12.50, 0.001, '2025-01-31', '2025-01-01 10:00:00.123456', 'a', 'ünï 🙂'), (2, 'x', NULL, NULL, NULL, '2025-01-02 12:00:00', NULL, NULL)`,
      );
    });
    try {
      const request: IngestRequest = {
        dataset: 'orders',
        from: { kind: 'mysql', address: mysqlUrl, query: `SELECT * FROM ${table} ORDER BY id` },
        watermark: 'at',
        by: ada,
      };
      const first = await bench.data.ingest(request);
      assert.deepEqual(await rowsOf(bench, first.version.digest), [
        {
          id: 1,
          code: '007',
          price: 12.5,
          f: 0.001,
          day: '2025-01-31T00:00:00.000Z',
          at: '2025-01-01T10:00:00.123Z',
          kind: 'a',
          t: 'ünï 🙂',
        },
        { id: 2, code: 'x', price: null, f: null, day: null, at: '2025-01-02T12:00:00.000Z', kind: null, t: null },
      ]);
      await mariadb((client) =>
        client.query(`INSERT INTO ${table} (id, code, at) VALUES (3, 'c', '2025-01-03'), (4, 'old', '2024-01-01')`),
      );
      const second = await bench.data.ingest(request);
      assert.deepEqual(
        [second.ingestion.newRows, second.ingestion.rows, second.ingestion.watermark?.to],
        [1, 3, '2025-01-03T00:00:00.000Z'],
      );
    } finally {
      await mariadb((client) => client.query(`DROP TABLE ${table}`));
    }
  });

  test('says what is wrong without a secret; nothing can be changed by a query', async () => {
    await using bench = await openBench();
    const at = (address: string, query = 'SELECT 1 AS one'): Promise<string> =>
      failure(bench.data.ingest({ dataset: 'd', from: { kind: 'mysql', address, query }, by: ada }));
    const url = new URL(mysqlUrl);
    url.username = 'nobody_here';
    url.password = 'hunter2hunter2';
    assert.match(await at(url.href), /^UNAUTHENTICATED: mysql:\/\/[^:]+:\d+\/mysql: Access denied/);
    assert.match(await at('mysql://a:hunter2hunter2@127.0.0.1:1/x'), /^UNAVAILABLE: mysql:\/\/127\.0\.0\.1:1\/x: /);
    assert.match(await at(mysqlUrl, 'SELECT * FROM no_such_table'), /^NOT_FOUND: .*no_such_table/);
    assert.match(await at(mysqlUrl, "SELECT X'00FF' AS b"), /column "b" of the query has a type which has no place in a table/);
    assert.match(await at(mysqlUrl, "SELECT '0000-00-00' AS d, 9007199254740993 AS i"), /column "i" is declared as integer/);
    assert.match(await at(mysqlUrl, 'SELECT 1 AS one) AS s; DROP TABLE t; -- '), /^INVALID_ARGUMENT/);
    assert.doesNotMatch(JSON.stringify((await bench.data.ingestions.list()).items), /hunter2/);
  });
});

describe('an Excel file as a source', () => {
  test('gives a sheet whose first row names the columns', async () => {
    await using bench = await openBench();
    const path = await bench.file(
      'book.xlsx',
      workbook({
        People: [
          ['id', 'name', 'since'],
          [1, 'Ada & "Bob"', new Date(Date.UTC(2025, 0, 31))],
          [2, null, new Date(Date.UTC(2025, 1, 28))],
        ],
        Other: [['x'], [1.5], [null], [2]],
      }),
    );
    const ask = (sheet?: string) =>
      bench.data.ingest({ dataset: sheet ?? 'first', from: { kind: 'excel', path, ...(sheet === undefined ? {} : { sheet }) }, by: ada });
    assert.deepEqual(await rowsOf(bench, (await ask()).version.digest), [
      { id: 1, name: 'Ada & "Bob"', since: '2025-01-31T00:00:00.000Z' },
      { id: 2, name: null, since: '2025-02-28T00:00:00.000Z' },
    ]);
    const other = await ask('Other');
    assert.equal(other.ingestion.query, 'Other');
    assert.deepEqual(
      (await rowsOf(bench, other.version.digest)).map(({ x }) => x),
      [1.5, null, 2],
    );
    assert.match(await failure(ask('None')), /^NOT_FOUND: book\.xlsx has no sheet "None"; it has "People", "Other"/);
    const broken = await bench.file('broken.xlsx', 'no workbook');
    assert.match(
      await failure(bench.data.ingest({ dataset: 'b', from: { kind: 'excel', path: broken }, by: ada })),
      /^INVALID_ARGUMENT: broken\.xlsx cannot be read as an Excel file/,
    );
  });
});
