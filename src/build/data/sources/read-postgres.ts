import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GyreError, isGyreError } from '#core';
import type { ColumnType } from '#tables';
import { databaseError, innerQuery, nextMillisecond, publicDatabase, sqlLiteral } from './address.ts';
import { readText } from './rows-text.ts';
import type { DatasetSource, OpenSource, Watermark } from './source.ts';

interface PostgresColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** What stands behind SELECT, so that the text is one that we read. */
  readonly text: string;
  /** Instants with a zone, or without. */
  readonly isZoned: boolean;
}

const connectMs = 15_000;

/** A query of PostgreSQL, brought over by COPY. */
export function openPostgres({ address, query }: Extract<DatasetSource, { kind: 'postgres' }>): OpenSource {
  const shown = publicDatabase(address, 'postgres');
  return {
    kind: 'postgres',
    address: shown,
    query,
    look: () => Promise.resolve({ found: {}, stamp: '' }),
    read: async (folder, reading, watermark) => {
      const { default: pg } = await import('pg');
      const { to: copyTo } = await import('pg-copy-streams');
      const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: connectMs, application_name: 'gyre' });
      // a connection that is lost while nothing is asked fails the next question
      client.on('error', () => undefined);
      const path = join(folder, 'rows.csv');
      let columns: readonly PostgresColumn[];
      try {
        await client.connect();
        // one snapshot, nothing can be changed, and texts as we read them
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
        await client.query("SET LOCAL TIME ZONE 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 1");
        columns = await columnsOf(client, query);
        const rows = `SELECT ${columns.map(({ text }) => text).join(', ')} FROM (${innerQuery(query)}\n) AS source${beyond(columns, watermark)}`;
        // of one column alone a missing value would be a blank line
        const [only] = columns.length === 1 ? columns : [];
        const copied =
          only === undefined
            ? rows
            : `SELECT coalesce("${only.name.replaceAll('"', '""')}"::text, '') AS "${only.name.replaceAll('"', '""')}" FROM (${rows}) AS texts`;
        const options = `FORMAT csv, HEADER, ENCODING 'UTF8'${only === undefined ? '' : ', FORCE_QUOTE *'}`;
        await pipeline(client.query(copyTo(`COPY (${copied}) TO STDOUT (${options})`)), createWriteStream(path));
        await client.query('COMMIT');
      } catch (error) {
        throw isGyreError(error) ? error : databaseError(shown, address, error);
      } finally {
        await client.end().catch(() => undefined);
      }
      const read = await readText({ path, folder, name: shown, columns }, reading);
      return { ...read, isBeyond: watermark?.from !== undefined };
    },
  };
}

async function columnsOf(client: import('pg').Client, query: string): Promise<PostgresColumn[]> {
  const { fields } = await client.query(`SELECT * FROM (${innerQuery(query)}\n) AS source LIMIT 0`);
  const { rows } = await client.query<{ oid: number; typname: string; typtype: string }>(
    'SELECT oid::int, typname, typtype FROM pg_type WHERE oid = ANY($1)',
    [fields.map(({ dataTypeID }) => dataTypeID)],
  );
  return fields.map(({ name, dataTypeID }) => {
    const type = rows.find(({ oid }) => oid === dataTypeID);
    const column = `source."${name.replaceAll('"', '""')}"`;
    const known = type?.typtype === 'e' ? texts : types[type?.typname ?? ''];
    if (known !== undefined)
      return {
        name,
        type: known.type,
        isZoned: type?.typname === 'timestamptz',
        text: `${known.text(column)} AS "${name.replaceAll('"', '""')}"`,
      };
    const message = `column "${name}" of the query has type ${type?.typname ?? dataTypeID}, which has no place in a table: cast it in the query, such as to text`;
    throw new GyreError('INVALID_ARGUMENT', message, { column: name });
  });
}

const texts = { type: 'string', text: (column: string) => `${column}::text` } as const;
const plain = (type: ColumnType) => ({ type, text: (column: string) => column });
/** Of an instant that is infinite the text is kept, which no column of instants takes. */
const instant = (format: string, zone = '') => ({
  type: 'instant' as const,
  text: (column: string) => `CASE WHEN isfinite(${column}) THEN to_char(${column}${zone}, '${format}') ELSE ${column}::text END`,
});
const moment = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

const types: Readonly<Record<string, { readonly type: ColumnType; readonly text: (column: string) => string }>> = {
  int2: plain('integer'),
  int4: plain('integer'),
  int8: plain('integer'),
  oid: plain('integer'),
  float4: plain('number'),
  float8: plain('number'),
  numeric: plain('number'),
  bool: { type: 'boolean', text: (column) => `${column}::text` },
  date: instant('YYYY-MM-DD'),
  timestamp: instant(moment),
  timestamptz: instant(moment, " AT TIME ZONE 'UTC'"),
  text: texts,
  varchar: texts,
  bpchar: texts,
  char: texts,
  name: texts,
  uuid: texts,
  json: texts,
  jsonb: texts,
};

function beyond(columns: readonly PostgresColumn[], watermark: Watermark | undefined): string {
  if (watermark?.from === undefined) return '';
  const { column, from } = watermark;
  const found = columns.find(({ name }) => name === column);
  if (found === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `no column "${column}" for the watermark; the columns are ${columns.map(({ name }) => name).join(', ')}`,
    );
  const name = `source."${column.replaceAll('"', '""')}"`;
  if (found.type === 'instant')
    return ` WHERE ${name} >= ${sqlLiteral(nextMillisecond(from))}::${found.isZoned ? 'timestamptz' : 'timestamp'}`;
  if (found.type === 'string') return ` WHERE ${name}::text COLLATE "C" > ${sqlLiteral(from)}`;
  return ` WHERE ${name}${found.type === 'number' ? '::float8' : ''} > ${Number(from)}`;
}
