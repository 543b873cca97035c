import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { hasCode } from '#core';
import { storeContract } from './contract.ts';
import type { StoreFixture } from './contract.ts';
import { openStore } from './index.ts';
import type { Migration, MigrationSet } from './index.ts';
import { fromPostgres } from './postgres-errors.ts';
import { postgresUrl as url, whyNoPostgres } from './postgres-fixture.ts';
import { sessionOn } from './postgres-session.ts';

/** A schema of its own, dropped afterwards. */
async function postgresSchema(): Promise<StoreFixture> {
  const schema = `gyre_test_${randomUUID().replaceAll('-', '')}`;
  return {
    open: () => openStore({ url, schema }),
    [Symbol.asyncDispose]: async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`drop schema if exists "${schema}" cascade`);
      await client.end();
    },
  };
}

const skip = await whyNoPostgres();
storeContract('PostgreSQL', postgresSchema, skip === false ? undefined : skip);

const things: MigrationSet = {
  room: 'things',
  migrations: [{ id: '0001-things', up: ({ schema, types }) => schema.createTable('things').addColumn('name', types.text).execute() }],
};

describe('the PostgreSQL store', { skip }, () => {
  test('keeps installations apart by schema', async () => {
    await using one = await postgresSchema();
    await using two = await postgresSchema();
    await using first = await one.open();
    await using second = await two.open();
    await first.migrate([things]);
    await second.migrate([things]);
  });

  test('a schema name that would need quoting is refused', async () => {
    await assert.rejects(openStore({ url, schema: 'a"; drop table x' }), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });

  test('a connection that was cut is UNAVAILABLE, and the next write gets a new one', async () => {
    await using fixture = await postgresSchema();
    await using store = await fixture.open();
    const cut = store.write((tx) => sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx.tables()), undefined);
    await assert.rejects(cut, (error) => hasCode(error, 'UNAVAILABLE'));
    const { rows } = await store.write((tx) => sql<{ one: number }>`select 1 as one`.execute(tx.tables()), undefined);
    assert.deepEqual(rows, [{ one: 1 }]);
  });

  test('of queries that went out together, the first that failed is told, and nothing stands', async () => {
    await using fixture = await postgresSchema();
    await using store = await fixture.open();
    await store.migrate([things]);
    const failing = store.write(async (tx) => {
      await sql`insert into things values ('early')`.execute(tx.tables());
      await Promise.all([
        sql`select 1`.execute(tx.tables()),
        sql`select 1 / (select 0)`.execute(tx.tables()),
        sql`insert into things values ('late')`.execute(tx.tables()),
      ]);
    }, undefined);
    await assert.rejects(failing, (error) => hasCode(error, 'INVALID_ARGUMENT') && /division by zero/.test(error.message));
    assert.deepEqual(await store.read((db) => sql`select * from things`.execute(db.tables()).then(({ rows }) => rows)), []);
  });

  test('a change that went out with the beginning of its transaction does not stand when that was refused', async () => {
    await using fixture = await postgresSchema();
    await using store = await fixture.open();
    await store.migrate([things]);
    const [{ schema }] = (await store.read((db) => sql<{ schema: string }>`select current_schema() as schema`.execute(db.tables()))).rows;
    const pool = new pg.Pool({ connectionString: url, options: `-c search_path=${schema}`, pipeline: true });
    const client = await pool.connect();
    const session = sessionOn(client, undefined);
    session.begin('begin isolation level whatever');
    const outcomes = await Promise.allSettled([
      session.insertRows({ table: 'things', columns: [{ name: 'name', type: 'text' }] }, [['x']]),
      session.begun(),
      session.commit(),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.deepEqual((await session.run('select * from things', [])).rows, []);
    client.release();
    await pool.end();
  });

  test('what has grown much is analysed for the planner, whether PostgreSQL does so by itself or not', async () => {
    await using fixture = await postgresSchema();
    await using store = await fixture.open();
    await store.migrate([things]);
    const analysed = (): Promise<number> =>
      store.read(async (db) => {
        const name = sql<{ n: number }>`select reltuples::bigint as n from pg_class where oid = 'things'::regclass`;
        return (await name.execute(db.tables())).rows[0].n;
      });
    assert.equal(await analysed(), -1);
    // PostgreSQL counts what was changed within seconds.
    for (let turn = 0; (await analysed()) < 1000; turn++) {
      assert.ok(turn < 300, 'it was not analysed');
      const rows = Array.from({ length: 1000 }, (_, index) => [`thing ${turn} ${index}`]);
      await store.write((tx) => tx.insertRows({ table: 'things', columns: [{ name: 'name', type: 'text' }] }, rows), undefined);
      await sleep(100);
    }
  });

  test('a store closes while its tables are vacuumed, without waiting for that', async () => {
    await using fixture = await postgresSchema();
    const store = await fixture.open();
    await store.migrate([things]);
    const [{ schema }] = (await store.read((db) => sql<{ schema: string }>`select current_schema() as schema`.execute(db.tables()))).rows;
    const holder = new pg.Client({ connectionString: url });
    // A transaction sees what the others do as it was at its first look.
    const watcher = new pg.Client({ connectionString: url });
    await Promise.all([holder.connect(), watcher.connect()]);
    // What a vacuum waits for.
    await holder.query('begin');
    await holder.query(`lock table "${schema}".things in share update exclusive mode`);
    const isWaiting = async (): Promise<boolean> => {
      const { rows } = await watcher.query(
        `select 1 from pg_stat_activity where query like 'vacuum%' || $1 || '%' and wait_event_type = 'Lock'`,
        [schema],
      );
      return rows.length > 0;
    };
    for (let turn = 0; !(await isWaiting()); turn++) {
      assert.ok(turn < 300, 'nothing was vacuumed');
      const rows = Array.from({ length: 1000 }, (_, index) => [`thing ${turn} ${index}`]);
      await store.write((tx) => tx.insertRows({ table: 'things', columns: [{ name: 'name', type: 'text' }] }, rows), undefined);
      await sleep(100);
    }
    await store[Symbol.asyncDispose]();
    assert.equal(await isWaiting(), false);
    await holder.query('rollback');
    await Promise.all([holder.end(), watcher.end()]);
  });

  test('statements that were planned before another process changed their table are planned anew', async () => {
    await using fixture = await postgresSchema();
    await using store = await fixture.open();
    await store.migrate([things]);
    type Things = { things: { name: string; size?: string } };
    const all = (options: { readonly unsettled?: boolean } = {}): Promise<readonly object[]> =>
      store.read((db) => db.tables<Things>().selectFrom('things').selectAll().execute(), options);
    const add = (name: string): Promise<readonly object[]> =>
      store.write((tx) => tx.tables<Things>().insertInto('things').values({ name }).returningAll().execute(), undefined);
    for (let turn = 0; turn < 4; turn++) await add(`t${turn}`);
    await Promise.all(Array.from({ length: 12 }, () => all()));
    await Promise.all(Array.from({ length: 12 }, () => all()));

    await using other = await fixture.open();
    const size: Migration = {
      id: '0002-size',
      up: ({ schema, types }) => schema.alterTable('things').addColumn('size', types.text).execute(),
    };
    await other.migrate([{ ...things, migrations: [...things.migrations, size] }]);
    const found = await Promise.all([...Array.from({ length: 12 }, () => all()), all({ unsettled: true })]);
    for (const rows of found) assert.deepEqual(rows[0], { name: 't0', size: null });
    assert.deepEqual(await add('later'), [{ name: 'later', size: null }]);
  });
});

describe('a PostgreSQL that is not there', () => {
  test('is UNAVAILABLE when it went away while something was sent', () => {
    for (const code of ['EPIPE', 'ECONNRESET']) {
      const error = Object.assign(new Error(`write ${code}`), { code, errno: -32, syscall: 'write' });
      assert.ok(hasCode(fromPostgres(error), 'UNAVAILABLE'), code);
    }
  });

  test('is UNAVAILABLE, and its password is not shown', async () => {
    const opening = openStore({ url: 'postgres://me:hidden@127.0.0.1:1/db' });
    await assert.rejects(opening, (error) => hasCode(error, 'UNAVAILABLE') && !error.message.includes('hidden'));
  });
});
