import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresAdapter, PostgresQueryCompiler, sql } from 'kysely';
import pg from 'pg';
import { GyreError, hasCode } from '#core';
import type { Faults } from '#core';
import { postgresAppendOnly } from './append-only.ts';
import { exactInteger, postgresColumns } from './columns.ts';
import { runMigrations } from './migrations.ts';
import type { Db, DialectFacts, MigrationSet, Store, Write } from './port.ts';
import { fromPostgres, isConflict, isStalePlan } from './postgres-errors.ts';
import { sessionOn } from './postgres-session.ts';
import type { PostgresSession } from './postgres-session.ts';
import { PlannerStatistics } from './postgres-statistics.ts';
import { StatementNames } from './statement-names.ts';
import { WriteScope, queriesOn, readingOn, runEffects } from './session.ts';
import type { Session, Syntax } from './session.ts';

export interface PostgresOptions {
  readonly url: string;
  readonly schema: string;
  readonly faults: Faults;
}

const syntax: Syntax = {
  compiler: new PostgresQueryCompiler(),
  adapter: new PostgresAdapter(),
  aside: (column) => sql`${sql.ref(column)}`,
  // From a query of its own, so that their number is not seen: for many the planner would read all rows that they are among.
  among: (column, values) => sql`${sql.ref(column)} = any((select ${`{${values.join(',')}}`}::bigint[])::bigint[])`,
  like: (column, pattern, { ignoreCase }) =>
    ignoreCase ? sql`${sql.ref(column)} ilike ${pattern} escape ''` : sql`${sql.ref(column)} like ${pattern} escape ''`,
};
const ignore = (): void => undefined;
const mostConnections = 12;
/** A new connection has planned nothing and knows no table: the first requests after a pause should not have to wait for that. */
const keptConnections = 4;
const idleMs = 120_000;
const mostTries = 40;
/** So often a key that is taken may be a matter of timing, where locks are waited for; after that it is a key that is taken. */
const staleTries = 5;

const integers = (text: string): number | bigint => {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : exactInteger(BigInt(text));
};
/** Sums of integers are `numeric` here, and integers on SQLite. */
const numeric = (text: string): number | bigint => (/^-?\d+$/.test(text) ? integers(text) : Number(text));
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, integers],
  [pg.types.builtins.NUMERIC, numeric],
  [pg.types.builtins.BYTEA, bytes],
]);

/** The metadata database in one schema of a PostgreSQL server. Writes are serializable, and run again after a conflict. */
export class PostgresStore implements Store {
  readonly facts: DialectFacts = { concurrentWriters: true, transactionalDdl: true, sharedBetweenMachines: true };
  readonly #pool: pg.Pool;
  readonly #schema: string;
  readonly #faults: Faults;
  readonly #statistics: PlannerStatistics;
  #closed = false;

  private constructor(pool: pg.Pool, options: PostgresOptions) {
    this.#pool = pool;
    this.#schema = options.schema;
    this.#faults = options.faults;
    this.#statistics = new PlannerStatistics(pool, options.schema);
  }

  /** Connects, and makes the schema when it is missing. @throws GyreError UNAVAILABLE, INVALID_ARGUMENT */
  static async open(options: PostgresOptions): Promise<PostgresStore> {
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(options.schema)) {
      throw new GyreError(
        'INVALID_ARGUMENT',
        `"${options.schema}" is no schema name: lower-case letters, digits and _ are allowed, 63 at most`,
      );
    }
    const pool = new pg.Pool({
      connectionString: options.url,
      options: `-c search_path=${options.schema}`,
      max: mostConnections,
      min: keptConnections,
      idleTimeoutMillis: idleMs,
      pipeline: true,
      application_name: 'gyre',
      connectionTimeoutMillis: 10_000,
      types: {
        getTypeParser: (oid: number, format?: 'text' | 'binary') =>
          parsers.get(oid) ?? (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
      },
    });
    // An idle connection that breaks is taken out by the pool; the next query tells who needs it.
    pool.on('error', ignore);
    const store = new PostgresStore(pool, options);
    try {
      await store.#transaction('begin', async (session) => {
        const { rows } = await session.run('select 1 from pg_namespace where nspname = $1', [options.schema]);
        if (rows.length > 0) return;
        await advisoryLock(session, `schema ${options.schema}`);
        await session.run(`create schema if not exists "${options.schema}"`, []);
      });
    } catch (error) {
      await pool.end();
      throw error;
    }
    return store;
  }

  async write<A, R>(write: Write<A, R>, args: A): Promise<R> {
    for (let tries = 1; ; tries++) {
      let hasLocked = false;
      try {
        return await this.#writeOnce(write, args, () => {
          hasLocked = true;
        });
      } catch (error) {
        // The snapshot is older than a lock that was waited for: what the holder wrote meanwhile is met as a key that is taken.
        const isStale = hasLocked && tries <= staleTries && hasCode(error, 'ALREADY_EXISTS');
        if (!isConflict(error) && !isStale) throw error;
        if (tries >= mostTries)
          throw new GyreError('ABORTED', `a write still met conflicts after ${tries} tries`, { tries }, { cause: error });
        // Those who lost spread out by how often they did.
        await sleep(Math.min(100, tries * tries));
      }
    }
  }

  async #writeOnce<A, R>(write: Write<A, R>, args: A, onLock: () => void): Promise<R> {
    const lock = (session: Session, name: string): Promise<void> => {
      onLock();
      // What comes after it waits for it in the database; should it fail, so does all that follows.
      advisoryLock(session, `${this.#schema} ${name}`).catch(ignore);
      return Promise.resolve();
    };
    const { result, effects } = await this.#transaction('begin isolation level serializable', async (session) => {
      const scope = new WriteScope(session, syntax, lock);
      return { result: await scope.perform(write, args), effects: scope.effects };
    });
    this.#faults.at('store.acknowledge');
    runEffects(effects);
    return result;
  }

  read<R>(query: (db: Db) => Promise<R>, { unsettled = false }: { readonly unsettled?: boolean } = {}): Promise<R> {
    // A query is a snapshot by itself.
    return replanned(() => this.#readOnce(query, unsettled ? undefined : 'begin isolation level repeatable read read only'));
  }

  async migrate(sets: readonly MigrationSet[]): Promise<void> {
    await runMigrations(
      {
        types: postgresColumns,
        clustered: sql``,
        appendOnly: postgresAppendOnly,
        hasTable: (name) =>
          this.#transaction('begin', async (session) => {
            const { rows } = await session.run('select 1 from pg_tables where schemaname = $1 and tablename = $2', [this.#schema, name]);
            return rows.length > 0;
          }),
        read: (query) => this.read((db) => query(db.tables())),
        exclusive: (step) =>
          // Tables change between its statements, and with them how these are planned.
          this.#transactionOnce(undefined, 'begin isolation level read committed', async (session) => {
            await advisoryLock(session, `${this.#schema} migrations`);
            return step(queriesOn(session, syntax));
          }),
      },
      sets,
    );
    // What was restored or filled by others may never have been looked at.
    this.#statistics.look();
  }

  async #readOnce<R>(query: (db: Db) => Promise<R>, begin: string | undefined): Promise<R> {
    const { session, release } = await this.#connect(names);
    try {
      if (begin !== undefined) session.begin(begin);
      const result = await query(readingOn(session, queriesOn(session, syntax), syntax));
      if (begin === undefined) release(false);
      else {
        await session.begun();
        // Nobody waits for the end of what has changed nothing.
        session.commit().then(
          () => release(false),
          () => release(true),
        );
      }
      return result;
    } catch (error) {
      const isRolledBack = await session.rollback().then(
        () => true,
        () => false,
      );
      release(!isRolledBack || isStalePlan(error));
      throw error;
    }
  }

  #transaction<R>(begin: string, work: (session: Session) => Promise<R>): Promise<R> {
    return replanned(() => this.#transactionOnce(names, begin, work));
  }

  async #transactionOnce<R>(named: StatementNames | undefined, begin: string, work: (session: Session) => Promise<R>): Promise<R> {
    const { session, release } = await this.#connect(named);
    try {
      session.begin(begin);
      const result = await work(session);
      this.#faults.at('store.commit.before');
      await session.commit();
      this.#statistics.changed(session.changedRows);
      this.#faults.at('store.commit.after');
      release(false);
      return result;
    } catch (error) {
      const isRolledBack = await session.rollback().then(
        () => true,
        () => false,
      );
      release(!isRolledBack || isStalePlan(error));
      throw error;
    }
  }

  async #connect(
    named: StatementNames | undefined,
  ): Promise<{ readonly session: PostgresSession; readonly release: (broken: boolean) => void }> {
    if (this.#closed) throw new GyreError('UNAVAILABLE', 'the store is closed');
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw fromPostgres(error);
    }
    // A connection that breaks says so twice: to its query, which tells who waits, and here.
    client.on('error', ignore);
    return {
      session: sessionOn(client, named),
      release: (broken) => {
        client.off('error', ignore);
        client.release(broken);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#statistics.stop();
    await this.#pool.end();
  }
}

const names = new StatementNames();

/** Another process has changed the tables: each connection that had planned for them before says so once, and is given up. */
async function replanned<R>(work: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isStalePlan(error) || tries > mostConnections) throw error;
    }
  }
}

/** Held until the transaction ends; which it does only after its changes can be seen by others. */
async function advisoryLock(session: Session, name: string): Promise<void> {
  await session.run('select pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
}
