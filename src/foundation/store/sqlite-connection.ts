import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { SqliteAdapter, SqliteQueryCompiler, sql } from 'kysely';
import type { QueryResult } from 'kysely';
import { encodeParameter, exactInteger } from './columns.ts';
import type { Cell, FoundRows, RowsInto, RowsOf } from './port.ts';
import type { Session, Syntax } from './session.ts';
import { fromSqlite } from './sqlite-errors.ts';

/** Queries on a connection run at once, so Kysely's mutex around single connections would only cost time. */
class UnqueuedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

export const sqliteSyntax: Syntax = {
  compiler: new SqliteQueryCompiler(),
  adapter: new UnqueuedAdapter(),
  aside: (column) => sql`+${sql.ref(column)}`,
  among: (column, values) => sql`${sql.ref(column)} in (select value from json_each(${`[${values.join(',')}]`}))`,
  // SQLite's LIKE takes no notice of case; GLOB does.
  like: (column, pattern, { ignoreCase }) =>
    ignoreCase ? sql`${sql.ref(column)} like ${pattern}` : sql`${sql.ref(column)} glob ${globOf(pattern)}`,
};

function globOf(pattern: string): string {
  return pattern.replaceAll(/[[*?]/g, '[$&]').replaceAll('%', '*').replaceAll('_', '?');
}

type Decode = (value: SQLOutputValue) => unknown;

interface Prepared {
  readonly statement: StatementSync;
  readonly columns: readonly { readonly name: string; readonly decode: Decode }[];
  /** A SELECT may run again with 64-bit integers when a number turned out too large; anything else reads them from the start. */
  readonly repeatable: boolean;
}

const decoders: Readonly<Record<string, Decode>> = {
  boolean: (value) => (value === null ? null : Number(value) !== 0),
  json_text: (value) => (typeof value === 'string' ? (JSON.parse(value) as unknown) : value),
};
const asIs: Decode = (value) => (typeof value === 'bigint' ? exactInteger(value) : value);
const keptStatements = 400;
/** Rows that one statement inserts: running one costs more than adding a row. */
const rowsTogether = [32, 4, 1] as const;

/** One SQLite connection with its prepared statements. Everything it does is synchronous: a promise of it is settled at once. */
export class SqliteConnection implements Session {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();

  /** @throws GyreError UNAVAILABLE when the file cannot be opened */
  constructor(path: string, options: { readonly readOnly?: boolean } = {}) {
    try {
      this.#database = new DatabaseSync(path, { readOnly: options.readOnly ?? false, timeout: 0, enableForeignKeyConstraints: true });
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Runs a statement without parameters or rows. @throws GyreError */
  execute(statement: string): void {
    try {
      this.#prepare(statement).statement.run();
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  /** Runs several statements once, such as pragmas. @throws GyreError */
  script(statements: string): void {
    try {
      this.#database.exec(statements);
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  /** How many pages the log has, and how many of them are in the database file by now. Outside of a transaction. @throws GyreError */
  logState(): { readonly pages: number; readonly moved: number } {
    try {
      const [[, pages, moved]] = arraysOf(this.#prepare('pragma wal_checkpoint(noop)'), []);
      return { pages: Number(pages), moved: Number(moved) };
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, SQLite is not
  async run(query: string, parameters: readonly unknown[]): Promise<QueryResult<unknown>> {
    const values = parameters.map(bind);
    try {
      const prepared = this.#prepare(query);
      if (prepared.columns.length === 0) {
        const { changes, lastInsertRowid } = prepared.statement.run(...values);
        // What was prepared before knows the columns of tables as they were.
        if (/^\s*(create|alter|drop)\b/i.test(query)) this.#prepared.clear();
        return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
      }
      return { rows: select(prepared, values) };
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  async change(query: string, parameters: readonly unknown[]): Promise<void> {
    await this.run(query, parameters);
  }

  // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, SQLite is not
  async values(query: string, parameters: readonly unknown[]): Promise<readonly (readonly unknown[])[]> {
    try {
      return arraysOf(this.#prepare(query), parameters.map(bind));
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, SQLite is not
  async rowsOf({ table, select, by }: RowsOf, keys: readonly (readonly Cell[])[]): Promise<readonly FoundRows[]> {
    try {
      if (by.length === 1 && by[0].type === 'integer') return this.#byNumber({ table, select, by }, keys);
      const places = by.map(({ name }) => `${name} = ?`).join(' and ');
      const prepared = this.#prepare(`select ${select.join(', ')} from ${table} where ${places}`);
      return keys.map((key) => arraysOf(prepared, key.map(bindCell)));
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  /** All keys in one statement: running one for each costs more than what it finds where that is little. */
  #byNumber({ table, select, by: [{ name }] }: RowsOf, keys: readonly (readonly Cell[])[]): readonly FoundRows[] {
    const columns = select.map((column) => `t.${column}`).join(', ');
    const prepared = this.#prepare(`select ${columns}, k.key from json_each(?) k cross join ${table} t on t.${name} = k.value`);
    const found = keys.map((): SQLOutputValue[][] => []);
    for (const row of arraysOf(prepared, [`[${keys.join(',')}]`])) found[Number(row.pop())].push(row);
    return found;
  }

  // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, SQLite is not
  async insertRows({ table, columns, onConflict = '' }: RowsInto, rows: readonly (readonly Cell[])[]): Promise<void> {
    const names = columns.map(({ name }) => name).join(', ');
    const marks = columns.map(() => '?').join(', ');
    let done = 0;
    try {
      for (const together of rowsTogether) {
        if (rows.length - done < together) continue;
        const { statement } = this.#prepare(
          `insert into ${table} (${names}) values ${`(${marks}),`.repeat(together).slice(0, -1)} ${onConflict}`,
        );
        const cells = new Array<SQLInputValue>(together * columns.length);
        for (; rows.length - done >= together; done += together) {
          let at = 0;
          for (let row = done; row < done + together; row++) for (const cell of rows[row]) cells[at++] = bindCell(cell);
          statement.run(...cells);
        }
      }
    } catch (error) {
      throw fromSqlite(error);
    }
  }

  #prepare(query: string): Prepared {
    const kept = this.#prepared.get(query);
    if (kept !== undefined) return kept;
    const statement = this.#database.prepare(query);
    statement.setReturnArrays(true);
    const repeatable = /^\s*select\b/i.test(query);
    statement.setReadBigInts(!repeatable);
    const columns = statement.columns().map(({ name, type }) => ({ name, decode: decoders[type ?? ''] ?? asIs }));
    const prepared = { statement, columns, repeatable };
    this.#prepared.set(query, prepared);
    if (this.#prepared.size > keptStatements) {
      const [oldest] = this.#prepared.keys();
      this.#prepared.delete(oldest);
    }
    return prepared;
  }

  close(): void {
    this.#prepared.clear();
    if (this.#database.isOpen) this.#database.close();
  }
}

/** Integers go in as int64: as doubles, `?` would be REAL in expressions that have no column's affinity. */
function bind(value: unknown): SQLInputValue {
  const parameter = encodeParameter(value);
  if (typeof parameter === 'boolean') return parameter ? 1n : 0n;
  return typeof parameter === 'number' && Number.isSafeInteger(parameter) && !Object.is(parameter, -0) ? BigInt(parameter) : parameter;
}

/** As `bind` for what many rows hold: a column's affinity makes integers of doubles that are whole. */
function bindCell(value: Cell): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const parameter = encodeParameter(value);
  return typeof parameter === 'boolean' ? Number(parameter) : parameter;
}

function select(prepared: Prepared, values: SQLInputValue[]): unknown[] {
  const { columns } = prepared;
  const toRow = (cells: readonly SQLOutputValue[]): Record<string, unknown> => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) row[columns[i].name] = columns[i].decode(cells[i]);
    return row;
  };
  return arraysOf(prepared, values).map(toRow);
}

function arraysOf({ statement, repeatable }: Prepared, values: SQLInputValue[]): SQLOutputValue[][] {
  // With setReturnArrays, `all` answers arrays; its types say objects.
  const all = (): SQLOutputValue[][] => statement.all(...values) as unknown as SQLOutputValue[][];
  if (!repeatable) return all();
  try {
    return all();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE')) throw error;
    statement.setReadBigInts(true);
    try {
      return all();
    } finally {
      statement.setReadBigInts(false);
    }
  }
}
