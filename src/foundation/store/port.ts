import type { CompiledQuery, Expression, Kysely, RawBuilder, SchemaModule, SqlBool } from 'kysely';

/** How databases differ where shared code must know: asked for by name, never by the database's name. */
export interface DialectFacts {
  /** Writes run at the same time (and may be run again after a conflict); false: one after another, grouped in one COMMIT. */
  readonly concurrentWriters: boolean;
  /** A migration that fails half-way leaves nothing behind. */
  readonly transactionalDdl: boolean;
  /** Several processes, also on several machines, may have the store open. */
  readonly sharedBetweenMachines: boolean;
}

/** What a read sees: one consistent snapshot, from its first query to its end. */
export interface Db {
  /** The query builder, typed by the room's own tables. Column values: see `ColumnTypes`. */
  tables<T>(): Kysely<T>;
  /**
   * Whether a text column matches a pattern of SQL's LIKE (`%`, `_`; no escape), the same on every database.
   * @param column such as `tags.value` @param options.ignoreCase for letters of ASCII
   */
  like(column: string, pattern: string, options: { readonly ignoreCase: boolean }): RawBuilder<SqlBool>;
  /**
   * A column in a condition that rows are not to be looked up by: SQLite would take any index there is. PostgreSQL weighs what it knows
   * of the column, and is given it as it is.
   * @param column such as `runs.experiment`
   */
  aside(column: string): RawBuilder<unknown>;
  /** Whether a column of integers holds one of some, however many. @param column such as `metric_points.step` */
  among(column: string, values: readonly number[]): RawBuilder<SqlBool>;
  /** Finds rows by many keys at once. @returns for each key its rows, in no order, with their `select`ed columns as they are kept */
  rowsOf(from: RowsOf, keys: readonly (readonly Cell[])[]): Promise<readonly FoundRows[]>;
  /**
   * Runs a query for its rows as arrays of values, undecoded: for the hot paths that turn many rows into something else.
   * @param options.planOnce its best plan does not depend on its values
   */
  values(query: CompiledQuery, options?: ValuesOptions): Promise<readonly (readonly unknown[])[]>;
}

export interface ValuesOptions {
  readonly planOnce?: boolean;
}

/** What a column of many rows holds. NaN has no place in a column. */
export type Cell = string | number | boolean | null;

/** What one key led to: rows of values. */
export type FoundRows = readonly (readonly unknown[])[];

/** Where rows are found by many keys at once. */
export interface RowsOf {
  /** A table, or in parentheses a query that joins some. */
  readonly table: string;
  readonly select: readonly string[];
  /** The columns that a key has a value for. */
  readonly by: RowsInto['columns'];
}

/** Where many rows go at once. */
export interface RowsInto {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: 'text' | 'integer' | 'real' | 'boolean' }[];
  /** What follows the values, such as `on conflict do nothing`; with `excluded`, no key may come twice in the rows. */
  readonly onConflict?: string;
}

/** What a write works with. It awaits nothing but calls on this object and on `tables()`. */
export interface Tx extends Db {
  /** Holds off other transactions that take the same name, until this one ends. Takes no time where writers queue anyway. */
  lock(name: string): Promise<void>;
  /**
   * Makes a change whose outcome this write has no use for: it may still be on its way when this resolves, so that what follows goes with it.
   * What it is refused for, the next query or the end of the write tells; nothing of the write stands then.
   */
  change(query: CompiledQuery): Promise<void>;
  /** As `change`, for many rows by one prepared statement: the price of a row is that of the database, not of building a query. */
  insertRows(into: RowsInto, rows: readonly (readonly Cell[])[]): Promise<void>;
  /** A last step inside this transaction, run once per key, after the write's own work. */
  beforeCommit(key: string, step: () => Promise<void>): void;
  /** An effect that leaves only after COMMIT is durable; never when the write failed. It must not throw. */
  afterCommit(effect: () => void): void;
}

/**
 * A named function over plain arguments that awaits nothing but `tx`. It may run more than once (a conflict, a lost group):
 * it has no effect but through `tx`.
 */
export type Write<A, R> = (tx: Tx, args: A) => Promise<R>;

/** The column types that mean the same on every database, for migrations: `addColumn('made_at', types.instant)`. */
export interface ColumnTypes {
  /** Unicode text without NUL; rows hold `string`. */
  readonly text: Expression<unknown>;
  /** int64; rows hold `number`, or `bigint` beyond ±(2^53 - 1). */
  readonly integer: Expression<unknown>;
  /** IEEE double; rows hold `number`. */
  readonly real: Expression<unknown>;
  /** Rows hold `boolean`. */
  readonly boolean: Expression<unknown>;
  /** An object or array; rows hold the value parsed, key order kept. A bare string, number or boolean is written with `jsonValue`. */
  readonly json: Expression<unknown>;
  /** UTC milliseconds since 1970; rows hold `number`. */
  readonly instant: Expression<unknown>;
  /** Bytes; rows hold `Uint8Array`. */
  readonly blob: Expression<unknown>;
  /** The primary key that the database counts up from 1; never reused. */
  readonly sequenceKey: Expression<unknown>;
}

export interface MigrationTx {
  readonly schema: SchemaModule;
  readonly types: ColumnTypes;
  /** What a `create table` ends with so that its rows lie in the order of the primary key, where the database can do that. */
  readonly clustered: Expression<unknown>;
  /** From here on the database itself refuses to change or delete a row of this table. */
  readonly appendOnly: (table: string) => Promise<void>;
  /** For moving rows; the migration's own snapshot of the tables' shape is its type. */
  tables<T>(): Kysely<T>;
}

/** One step in the growth of a room's tables. Once released it never changes: a later one corrects it. */
export interface Migration {
  /** `0001-versions`: four digits that count up, and what it brings. */
  readonly id: string;
  up(tx: MigrationTx): Promise<void>;
}

export interface MigrationSet {
  readonly room: string;
  readonly migrations: readonly Migration[];
}

/** The metadata database. What `write` acknowledged survives kill -9 and power cuts. */
export interface Store extends AsyncDisposable {
  readonly facts: DialectFacts;
  /**
   * Runs a write in a transaction of its own and resolves once its COMMIT is durable; a write that throws leaves nothing behind.
   * @throws GyreError ALREADY_EXISTS (unique), FAILED_PRECONDITION (foreign key), INVALID_ARGUMENT (not null, check),
   * RESOURCE_EXHAUSTED (disk full; the store stays readable), ABORTED (conflicts beyond all retries), UNAVAILABLE
   */
  write<A, R>(write: Write<A, R>, args: A): Promise<R>;
  /**
   * Runs queries on a connection of their own, in one snapshot; sees every write acknowledged before.
   * @param options.unsettled for a single query whose result is told to nobody: it need not be on the disk already
   */
  read<R>(query: (db: Db) => Promise<R>, options?: { readonly unsettled?: boolean }): Promise<R>;
  /**
   * Brings the tables up to date: each migration in its own transaction, in order, recorded; two processes at once are safe.
   * @throws GyreError FAILED_PRECONDITION when the store was made by a newer Gyre or a set's order changed
   */
  migrate(sets: readonly MigrationSet[]): Promise<void>;
}
