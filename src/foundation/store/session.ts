import { Kysely } from 'kysely';
import type { CompiledQuery, DatabaseConnection, Dialect, DialectAdapter, QueryCompiler, QueryResult } from 'kysely';
import { GyreError, messageOf } from '#core';
import type { Cell, Db, FoundRows, RowsInto, RowsOf, Tx, ValuesOptions } from './port.ts';

/** One database connection, as far as queries go. */
export interface Session {
  run(query: string, parameters: readonly unknown[]): Promise<QueryResult<unknown>>;
  /** As `run` of a change whose outcome nobody looks at: it may still be on its way when this resolves. */
  change(query: string, parameters: readonly unknown[]): Promise<void>;
  /** As `run`, with rows as arrays of what the driver gives. */
  values(query: string, parameters: readonly unknown[], options?: ValuesOptions): Promise<readonly (readonly unknown[])[]>;
  rowsOf(from: RowsOf, keys: readonly (readonly Cell[])[]): Promise<readonly FoundRows[]>;
  insertRows(into: RowsInto, rows: readonly (readonly Cell[])[]): Promise<void>;
}

export interface Syntax {
  readonly compiler: QueryCompiler;
  readonly adapter: DialectAdapter;
  readonly like: Db['like'];
  readonly aside: Db['aside'];
  readonly among: Db['among'];
}

/** A query builder whose queries all run on one session. */
export function queriesOn(session: Session, syntax: Syntax): Kysely<unknown> {
  const connection: DatabaseConnection = {
    // The driver cannot know a query's row type: the query builder gives it from the tables' interface.
    executeQuery: <R>(query: CompiledQuery) => session.run(query.sql, query.parameters) as Promise<QueryResult<R>>,
    streamQuery: () => {
      throw new GyreError('UNIMPLEMENTED', 'the store has no streamed queries: page by key instead');
    },
  };
  const refuse = (): Promise<never> =>
    Promise.reject(new GyreError('FAILED_PRECONDITION', 'transactions are made by store.write and store.read, not by the query builder'));
  const dialect: Dialect = {
    createAdapter: () => syntax.adapter,
    createQueryCompiler: () => syntax.compiler,
    createIntrospector: () => {
      throw new GyreError('UNIMPLEMENTED', 'the store does not look into its own schema');
    },
    createDriver: () => ({
      init: () => Promise.resolve(),
      acquireConnection: () => Promise.resolve(connection),
      beginTransaction: refuse,
      commitTransaction: refuse,
      rollbackTransaction: refuse,
      releaseConnection: () => Promise.resolve(),
      destroy: () => Promise.resolve(),
    }),
  };
  return new Kysely<unknown>({ dialect });
}

/** What a read sees, on one session. */
export function readingOn(session: Session, queries: Kysely<unknown>, syntax: Syntax): Db {
  return {
    // The rooms know their tables, the store does not.
    tables: <T>() => queries as Kysely<T>,
    like: syntax.like,
    aside: syntax.aside,
    among: syntax.among,
    rowsOf: (from, keys) => (keys.length === 0 ? Promise.resolve([]) : session.rowsOf(from, keys)),
    values: (query, options) => session.values(query.sql, query.parameters, options),
  };
}

/**
 * The side of a write that its function sees. A query that failed ends the write even when its error is caught, as on
 * PostgreSQL; and a query that comes after the end is refused instead of landing in somebody else's transaction.
 */
export class WriteScope implements Tx {
  readonly #session: Session;
  readonly #queries: Kysely<unknown>;
  readonly #lock: (name: string) => Promise<void>;
  readonly #steps = new Map<string, () => Promise<void>>();
  readonly like: Db['like'];
  readonly aside: Db['aside'];
  readonly among: Db['among'];
  readonly effects: (() => void)[] = [];
  #failure: Error | undefined;
  #ended = false;

  constructor(session: Session, syntax: Syntax, lock: (session: Session, name: string) => Promise<void>) {
    this.#session = {
      run: (query, parameters) => this.#guarded(() => session.run(query, parameters)),
      change: (query, parameters) => this.#guarded(() => session.change(query, parameters)),
      values: (query, parameters, options) => this.#guarded(() => session.values(query, parameters, options)),
      rowsOf: (from, keys) => this.#guarded(() => session.rowsOf(from, keys)),
      insertRows: (into, rows) => this.#guarded(() => session.insertRows(into, rows)),
    };
    this.like = syntax.like;
    this.aside = syntax.aside;
    this.among = syntax.among;
    this.#queries = queriesOn(this.#session, syntax);
    this.#lock = (name) => lock(this.#session, name);
  }

  async #guarded<R>(query: () => Promise<R>): Promise<R> {
    if (this.#ended) throw new GyreError('FAILED_PRECONDITION', 'a query came after its transaction had ended: await every query');
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await query();
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new GyreError('INTERNAL', messageOf(error));
      throw error;
    }
  }

  tables<T>(): Kysely<T> {
    // The store cannot know the rooms' tables: each room names its own, and migrations make them so.
    return this.#queries as Kysely<T>;
  }

  values(query: CompiledQuery, options?: ValuesOptions): Promise<readonly (readonly unknown[])[]> {
    return this.#session.values(query.sql, query.parameters, options);
  }

  rowsOf(from: RowsOf, keys: readonly (readonly Cell[])[]): Promise<readonly FoundRows[]> {
    return keys.length === 0 ? Promise.resolve([]) : this.#session.rowsOf(from, keys);
  }

  insertRows(into: RowsInto, rows: readonly (readonly Cell[])[]): Promise<void> {
    return rows.length === 0 ? Promise.resolve() : this.#session.insertRows(into, rows);
  }

  change(query: CompiledQuery): Promise<void> {
    return this.#session.change(query.sql, query.parameters);
  }

  lock(name: string): Promise<void> {
    return this.#lock(name);
  }

  beforeCommit(key: string, step: () => Promise<void>): void {
    if (!this.#steps.has(key)) this.#steps.set(key, step);
  }

  afterCommit(effect: () => void): void {
    this.effects.push(effect);
  }

  /** Runs a write and its last steps. @throws what the write threw, or the query that failed in it */
  async perform<A, R>(write: (tx: Tx, args: A) => Promise<R>, args: A): Promise<R> {
    try {
      const result = await write(this, args);
      for (const step of this.#steps.values()) await step();
      if (this.#failure !== undefined) throw this.#failure;
      return result;
    } finally {
      this.#ended = true;
    }
  }

  /** Refuses all further queries: its function was given up. */
  end(): void {
    this.#ended = true;
  }
}

/** What was promised to happen after COMMIT happens; the write stands, whatever an effect throws. */
export function runEffects(effects: readonly (() => void)[]): void {
  for (const effect of effects) {
    try {
      effect();
    } catch (error) {
      process.emitWarning(`an effect after COMMIT failed: ${messageOf(error)}`, { code: 'GYRE_EFFECT' });
    }
  }
}
