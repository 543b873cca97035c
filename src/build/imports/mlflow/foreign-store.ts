import { DatabaseSync } from 'node:sqlite';
import { GyreError, messageOf } from '#core';

/** A row as the database gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** A database of another program: only read, in one snapshot from beginning to end. */
export interface ForeignDatabase extends AsyncDisposable {
  /** Without a password. */
  readonly place: string;
  /** Rows, some thousands at a time. @param statement with `?` for each value */
  rows(statement: string, ...values: readonly (string | number)[]): AsyncIterable<readonly Row[]>;
}

const rowsAtOnce = 5000;
/** PostgreSQL's type of 64-bit integers: MLflow's are instants and steps, which fit into doubles. */
const int8 = 20;

/** @throws GyreError NOT_FOUND, FAILED_PRECONDITION when the file is no SQLite database */
export function openSqlite(path: string): ForeignDatabase {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
    database.exec('begin');
    database.prepare('select count(*) from sqlite_master').get();
  } catch (error) {
    throw new GyreError('FAILED_PRECONDITION', `${path} cannot be read as an SQLite database: ${messageOf(error)}`, {}, { cause: error });
  }
  return {
    place: path,
    async *rows(statement, ...values) {
      const prepared = database.prepare(statement);
      prepared.setReadBigInts(false);
      let batch: Row[] = [];
      for (const row of prepared.iterate(...values)) {
        batch.push(row);
        if (batch.length < rowsAtOnce) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    },
    async [Symbol.asyncDispose]() {
      database.close();
      await Promise.resolve();
    },
  };
}

/** @param address `postgresql://user:password@host/database` @throws GyreError UNAVAILABLE when it cannot be reached */
export async function openPostgres(address: string): Promise<ForeignDatabase> {
  const { Client, types } = (await import('pg')).default;
  const url = URL.parse(address.replace(/^postgresql\+\w+:/, 'postgresql:'));
  if (url === null)
    throw new GyreError('INVALID_ARGUMENT', 'the address of a PostgreSQL database is postgresql://user:password@host:5432/database');
  const place = `postgresql://${url.hostname}${url.port === '' ? '' : `:${url.port}`}${url.pathname}`;
  const client = new Client({ connectionString: url.href, connectionTimeoutMillis: 10_000, application_name: 'gyre import' });
  // A server that goes away tells so where rows are asked for.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('begin transaction isolation level repeatable read read only');
  } catch (error) {
    throw new GyreError('UNAVAILABLE', `${place} cannot be read: ${messageOf(error)}`, {}, { cause: error });
  }
  const asNumber = (text: string): number => Number(text);
  const parserOf = (oid: number): ((text: string) => unknown) =>
    oid === int8 ? asNumber : (types.getTypeParser(oid, 'text') as (text: string) => unknown);
  let cursors = 0;
  let before: Promise<unknown> = Promise.resolve();
  // Several readers share the connection, which answers one query after the other.
  const inTurn = <T>(query: () => Promise<T>): Promise<T> => {
    const answer = before.then(query);
    before = answer.catch(() => undefined);
    return answer;
  };
  return {
    place,
    async *rows(statement, ...values) {
      cursors += 1;
      const cursor = `gyre_${cursors}`;
      let at = 0;
      const numbered = statement.replaceAll('?', () => `$${++at}`);
      await inTurn(() => client.query(`declare ${cursor} no scroll cursor for ${numbered}`, [...values]));
      try {
        for (;;) {
          const fetched = { text: `fetch ${rowsAtOnce} from ${cursor}`, types: { getTypeParser: parserOf } };
          const { rows } = await inTurn(() => client.query<Row>(fetched));
          if (rows.length > 0) yield rows;
          if (rows.length < rowsAtOnce) break;
        }
      } finally {
        await inTurn(() => client.query(`close ${cursor}`)).catch(() => undefined);
      }
    },
    [Symbol.asyncDispose]: () => client.end().catch(() => undefined),
  };
}
