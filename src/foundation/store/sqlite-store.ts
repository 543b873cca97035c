import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { GyreError, messageOf } from '#core';
import type { Faults } from '#core';
import { sqliteAppendOnly } from './append-only.ts';
import { sqliteColumns } from './columns.ts';
import { Checkpoints } from './checkpoints.ts';
import { GroupCommit } from './group-commit.ts';
import { runMigrations } from './migrations.ts';
import type { Db, DialectFacts, MigrationSet, Store, Write } from './port.ts';
import { queriesOn, readingOn } from './session.ts';
import { SqliteConnection, sqliteSyntax } from './sqlite-connection.ts';
import { WalFlush } from './wal-flush.ts';

export interface SqliteOptions {
  /** A file, or `:memory:` for a temporary one that is gone when closed. */
  readonly path: string;
  readonly maxSizeBytes?: number;
  readonly faults: Faults;
}

interface Reader {
  readonly connection: SqliteConnection;
  readonly queries: Kysely<unknown>;
}

const pageBytes = 4096;
const idleReadersKept = 8;
const mostReaders = 64;
/** After so many reads others get a turn: SQLite answers in microtasks, and a loop over reads would starve the process. */
const readsPerTurn = 32;

/** The metadata database in one SQLite file, in WAL mode: one writer that groups commits, and readers beside it. */
export class SqliteStore implements Store {
  readonly facts: DialectFacts = { concurrentWriters: false, transactionalDdl: true, sharedBetweenMachines: false };
  readonly #path: string;
  readonly #temporary: string | undefined;
  readonly #writer: SqliteConnection;
  readonly #wal: WalFlush;
  readonly #commits: GroupCommit;
  readonly #checkpoints: Checkpoints | undefined;
  readonly #idle: Reader[] = [];
  readonly #waiting: ((reader: Reader) => void)[] = [];
  #readers = 0;
  #reads = 0;
  #closed = false;

  constructor(options: SqliteOptions) {
    this.#temporary = options.path === ':memory:' ? mkdtempSync(join(tmpdir(), 'gyre-store-')) : undefined;
    this.#path = this.#temporary === undefined ? options.path : join(this.#temporary, 'store.db');
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
    } catch (error) {
      throw new GyreError('PERMISSION_DENIED', `the folder of ${this.#path} cannot be made: ${messageOf(error)}`, {}, { cause: error });
    }
    this.#writer = new SqliteConnection(this.#path);
    const durable = this.#temporary === undefined;
    try {
      const limit =
        options.maxSizeBytes === undefined ? '' : `pragma max_page_count = ${Math.max(1, Math.floor(options.maxSizeBytes / pageBytes))};`;
      // Busy only while another process opens the same file: WAL is switched on under an exclusive lock.
      this.#writer.script(`pragma busy_timeout = 5000; pragma page_size = ${pageBytes}; pragma journal_mode = wal;
        pragma synchronous = ${durable ? 'normal' : 'off'}; pragma busy_timeout = 0; pragma journal_size_limit = 67108864;
        pragma temp_store = memory; ${limit}`);
    } catch (error) {
      this.#writer.close();
      throw error;
    }
    this.#wal = new WalFlush(this.#path, options.faults);
    this.#checkpoints = durable ? new Checkpoints(this.#path, this.#writer) : undefined;
    this.#commits = new GroupCommit(this.#writer, {
      flush: () => (durable ? this.#wal.flush() : turn()),
      between: () => this.#checkpoints?.look(),
      faults: options.faults,
    });
  }

  write<A, R>(write: Write<A, R>, args: A): Promise<R> {
    return this.#commits.write(write, args);
  }

  async read<R>(query: (db: Db) => Promise<R>, { unsettled = false }: { readonly unsettled?: boolean } = {}): Promise<R> {
    if (++this.#reads % readsPerTurn === 0) await turn();
    const result = await this.#readOn(await this.#acquire(), query);
    // SQLite shows a commit before it is on the disk; nobody is told of one that a power cut could still take back.
    if (!unsettled) await this.#commits.durable();
    return result;
  }

  async #readOn<R>(reader: Reader, query: (db: Db) => Promise<R>): Promise<R> {
    try {
      reader.connection.execute('begin');
      return await query(readingOn(reader.connection, reader.queries, sqliteSyntax));
    } finally {
      this.#release(reader);
    }
  }

  async migrate(sets: readonly MigrationSet[]): Promise<void> {
    await runMigrations(
      {
        types: sqliteColumns,
        clustered: sql`without rowid`,
        appendOnly: sqliteAppendOnly,
        hasTable: (name) =>
          this.read(async (db) => {
            const tables = db.tables<{ sqlite_master: { type: string; name: string } }>();
            const found = await tables
              .selectFrom('sqlite_master')
              .select('name')
              .where('type', '=', 'table')
              .where('name', '=', name)
              .execute();
            return found.length > 0;
          }),
        read: (query) => this.read((db) => query(db.tables())),
        exclusive: (step) => this.write((tx) => step(tx.tables()), undefined),
      },
      sets,
    );
    // A connection that has read before would prepare its next queries by the tables as they were.
    for (const { connection } of this.#idle.splice(0)) {
      this.#readers -= 1;
      connection.close();
    }
  }

  async #acquire(): Promise<Reader> {
    if (this.#closed) throw new GyreError('UNAVAILABLE', 'the store is closed');
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#readers >= mostReaders) return new Promise((resolve) => this.#waiting.push(resolve));
    const connection = new SqliteConnection(this.#path);
    connection.script('pragma busy_timeout = 5000; pragma query_only = on; pragma temp_store = memory; pragma mmap_size = 268435456;');
    this.#readers += 1;
    return { connection, queries: queriesOn(connection, sqliteSyntax) };
  }

  #release(reader: Reader): void {
    if (reader.connection.inTransaction) reader.connection.execute('rollback');
    const next = this.#closed ? undefined : this.#waiting.shift();
    if (next !== undefined) return next(reader);
    if (!this.#closed && this.#idle.length < idleReadersKept) {
      this.#idle.push(reader);
      return;
    }
    this.#readers -= 1;
    reader.connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#commits.close();
    await this.#checkpoints?.[Symbol.asyncDispose]();
    for (const { connection } of this.#idle.splice(0)) connection.close();
    await this.#wal.close();
    // The last connection to close moves the log into the database file.
    this.#writer.close();
    if (this.#temporary !== undefined) await rm(this.#temporary, { recursive: true, force: true });
  }
}
