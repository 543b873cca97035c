import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import pg from 'pg';
import { GyreError, noFaults } from '#core';
import type { CopyRows } from './copy.ts';
import type { MigrationSet } from './port.ts';
import { fromPostgres } from './postgres-errors.ts';
import { PostgresStore } from './postgres-store.ts';
import { fromSqlite } from './sqlite-errors.ts';
import { SqliteStore } from './sqlite-store.ts';

type ColumnType = 'text' | 'integer' | 'real' | 'boolean' | 'json_text' | 'blob';

interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

interface CopiedTable {
  readonly name: string;
  readonly columns: readonly Column[];
  /** In the order of the primary key: rows that lie in its order are written fastest so. */
  readonly key: readonly string[];
  /** The column that the database counts up. */
  readonly counted?: string;
}

const rowsAtOnce = 5000;
const ownTable = 'gyre_migrations';

/** @see copyToFile of `./copy.ts` */
export async function copyToFile({ url, schema, path, sets, signal }: CopyRows): Promise<void> {
  await makeFile(path, sets);
  await inPostgres(url, schema, 'begin isolation level repeatable read read only', async (client) => {
    using file = openFile(path);
    const tables = tablesOf(file);
    await requireSame(client, file, schema, tables);
    // Whoever finds the file before it is whole takes it for nothing: it gets its name later.
    file.exec('pragma journal_mode = off; pragma synchronous = off; begin');
    for (const table of tables) {
      await eachPart(client, table, (rows) => {
        signal.throwIfAborted();
        insertInFile(file, table, rows);
      });
      if (table.counted !== undefined) setFileCount(file, table.name, await countOf(client, schema, table.name, table.counted));
    }
    file.exec('commit');
  });
}

/** @see copyFromFile of `./copy.ts` */
export async function copyFromFile({ url, schema, path, sets, signal }: CopyRows): Promise<void> {
  await makeFile(path, sets);
  const made = await PostgresStore.open({ url, schema, faults: noFaults });
  await made.migrate(sets);
  await made[Symbol.asyncDispose]();
  await inPostgres(url, schema, 'begin', async (client) => {
    using file = openFile(path);
    const tables = tablesOf(file);
    await requireSame(client, file, schema, tables);
    for (const { name } of tables) {
      const { rows } = await client.query(`select 1 from "${name}" limit 1`);
      if (rows.length === 0) continue;
      const message = `schema "${schema}" has records already: give an empty one with GYRE_DATABASE_SCHEMA, or another database`;
      throw new GyreError('ALREADY_EXISTS', message, { schema, table: name });
    }
    for (const table of tables) {
      for (const rows of partsOf(file, table)) {
        signal.throwIfAborted();
        await insertInPostgres(client, table, rows);
      }
      if (table.counted !== undefined) await setCount(client, schema, table, fileCountOf(file, table.name));
    }
  });
}

async function makeFile(path: string, sets: readonly MigrationSet[]): Promise<void> {
  await using store = new SqliteStore({ path, faults: noFaults });
  await store.migrate(sets);
}

function openFile(path: string): DatabaseSync {
  // Tables come in the order of their references, and what is copied has kept them.
  return new DatabaseSync(path, { enableForeignKeyConstraints: false });
}

/** All tables of a file in an order in which whatever refers to another comes after it. */
function tablesOf(file: DatabaseSync): readonly CopiedTable[] {
  const rowsOf = (query: string): Record<string, SQLOutputValue>[] => file.prepare(query).all();
  const names = rowsOf("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
    .map(({ name }) => String(name))
    .filter((name) => name !== ownTable);
  const sorted: string[] = [];
  const visit = (name: string): void => {
    if (sorted.includes(name)) return;
    for (const { table } of rowsOf(`select "table" from pragma_foreign_key_list('${name}')`)) visit(String(table));
    sorted.push(name);
  };
  for (const name of names) visit(name);
  return sorted.map((name) => {
    const columns = rowsOf(`select name, lower(type) as type, pk from pragma_table_info('${name}')`);
    const key = columns.filter(({ pk }) => Number(pk) > 0).toSorted((left, right) => Number(left.pk) - Number(right.pk));
    const text = String(rowsOf(`select sql from sqlite_master where name = '${name}'`)[0]?.sql);
    return {
      name,
      columns: columns.map(({ name: column, type }) => ({ name: String(column), type: String(type) as ColumnType })),
      key: key.map(({ name: column }) => String(column)),
      ...(/\bautoincrement\b/i.test(text) ? { counted: String(key[0]?.name) } : {}),
    };
  });
}

/** @throws GyreError FAILED_PRECONDITION when the two were made by different migrations */
async function requireSame(client: pg.Client, file: DatabaseSync, schema: string, tables: readonly CopiedTable[]): Promise<void> {
  const query = `select room, id from ${ownTable} order by room, id`;
  const found = await client.query<{ room: string; id: string }>('select tablename as id from pg_tables where schemaname = $1', [schema]);
  const there = found.rows.map(({ id }) => id).filter((id) => id !== ownTable);
  const applied = there.length === 0 ? [] : (await client.query<{ room: string; id: string }>(query)).rows;
  const known = file.prepare(query).all();
  const words = (rows: readonly Record<string, unknown>[]): string => rows.map(({ room, id }) => `${String(room)} ${String(id)}`).join();
  if (
    words(applied) === words(known) &&
    there.toSorted().join() ===
      tables
        .map(({ name }) => name)
        .toSorted()
        .join()
  )
    return;
  const message = `the tables in schema "${schema}" are not those of this version of Gyre: start it once with this version`;
  throw new GyreError('FAILED_PRECONDITION', message, { schema });
}

/** Values come as the texts in which PostgreSQL writes them. */
async function inPostgres(url: string, schema: string, begin: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    options: `-c search_path=${schema}`,
    application_name: 'gyre',
    connectionTimeoutMillis: 10_000,
    types: { getTypeParser: () => (text: string) => text },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(begin);
    await work(client);
    await client.query('commit');
  } catch (error) {
    throw fromSqlite(fromPostgres(error));
  } finally {
    await client.end();
  }
}

type Texts = readonly (string | null)[];

async function eachPart(client: pg.Client, { name, columns, key }: CopiedTable, take: (rows: readonly Texts[]) => void): Promise<void> {
  const order = key.length === 0 ? '' : ` order by ${key.map(quoted).join(', ')}`;
  await client.query(
    `declare parts no scroll cursor for select ${columns.map((column) => quoted(column.name)).join(', ')} from "${name}"${order}`,
  );
  for (;;) {
    const { rows } = await client.query<(string | null)[]>({ text: `fetch ${rowsAtOnce} from parts`, rowMode: 'array' });
    take(rows);
    if (rows.length < rowsAtOnce) break;
  }
  await client.query('close parts');
}

function insertInFile(file: DatabaseSync, { name, columns }: CopiedTable, rows: readonly Texts[]): void {
  const names = columns.map((column) => quoted(column.name)).join(', ');
  const insert = file.prepare(`insert into "${name}" (${names}) values (${columns.map(() => '?').join(', ')})`);
  for (const row of rows) insert.run(...columns.map(({ type }, at) => fileValue(type, row[at])));
}

function fileValue(type: ColumnType, text: string | null): SQLInputValue {
  if (text === null) return null;
  if (type === 'integer') return BigInt(text);
  if (type === 'real') return Number(text);
  if (type === 'boolean') return text === 't' ? 1 : 0;
  return type === 'blob' ? Buffer.from(text.slice(2), 'hex') : text;
}

function* partsOf(file: DatabaseSync, { name, columns }: CopiedTable): Generator<readonly Texts[]> {
  const select = file.prepare(`select ${columns.map((column) => quoted(column.name)).join(', ')} from "${name}"`);
  select.setReadBigInts(true);
  let part: Texts[] = [];
  for (const row of select.iterate()) {
    part.push(columns.map((column) => postgresText(row[column.name])));
    if (part.length < rowsAtOnce) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

function postgresText(value: SQLOutputValue): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return String.raw`\x${Buffer.from(value).toString('hex')}`;
  return Object.is(value, -0) ? '-0' : String(value);
}

const postgresTypes: Readonly<Record<ColumnType, string>> = {
  text: 'text',
  integer: 'bigint',
  real: 'double precision',
  boolean: 'boolean',
  json_text: 'json',
  blob: 'bytea',
};

async function insertInPostgres(client: pg.Client, { name, columns }: CopiedTable, rows: readonly Texts[]): Promise<void> {
  const names = columns.map((column) => quoted(column.name)).join(', ');
  const values = columns.map((column) => `r.${quoted(column.name)}::${postgresTypes[column.type]}`).join(', ');
  const arrays = columns.map((_, at) => `$${at + 1}::text[]`).join(', ');
  await client.query(
    `insert into "${name}" (${names}) select ${values} from unnest(${arrays}) as r(${names})`,
    columns.map((_, at) => rows.map((row) => row[at])),
  );
}

/** How far the database has counted: further than any row where the last ones were deleted. */
async function countOf(client: pg.Client, schema: string, table: string, column: string): Promise<bigint> {
  const sequence = await sequenceOf(client, schema, table, column);
  const { rows } = await client.query<{ last_value: string; is_called: string }>(`select last_value, is_called from ${sequence}`);
  return BigInt(rows[0].last_value) - (rows[0].is_called === 't' ? 0n : 1n);
}

async function setCount(client: pg.Client, schema: string, { name, counted = '' }: CopiedTable, count: bigint): Promise<void> {
  if (count === 0n) return;
  await client.query('select setval($1, $2)', [await sequenceOf(client, schema, name, counted), String(count)]);
}

async function sequenceOf(client: pg.Client, schema: string, table: string, column: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>('select pg_get_serial_sequence($1, $2) as name', [
    `"${schema}"."${table}"`,
    column,
  ]);
  return rows[0].name;
}

function fileCountOf(file: DatabaseSync, table: string): bigint {
  const select = file.prepare('select seq from sqlite_sequence where name = ?');
  select.setReadBigInts(true);
  return BigInt(Number(select.get(table)?.seq ?? 0n));
}

function setFileCount(file: DatabaseSync, table: string, count: bigint): void {
  file.prepare('delete from sqlite_sequence where name = ?').run(table);
  if (count > 0n) file.prepare('insert into sqlite_sequence (name, seq) values (?, ?)').run(table, count);
}

const quoted = (name: string): string => `"${name}"`;
