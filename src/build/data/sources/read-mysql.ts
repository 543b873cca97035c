import { GyreError, isGyreError } from '#core';
import type { ColumnType } from '#tables';
import { databaseError, innerQuery, nextMillisecond, publicDatabase } from './address.ts';
import { rowsThroughText } from './rows-text.ts';
import type { RowColumn, RowValue } from './rows-text.ts';
import type { DatasetSource, OpenSource, Watermark } from './source.ts';

const connectMs = 15_000;

/** A query of MySQL or MariaDB, brought over row by row. */
export function openMysql({ address, query }: Extract<DatasetSource, { kind: 'mysql' }>): OpenSource {
  const shown = publicDatabase(address, 'mysql');
  return {
    kind: 'mysql',
    address: shown,
    query,
    look: () => Promise.resolve({ found: {}, stamp: '' }),
    read: async (folder, reading, watermark) => {
      const { default: mysql } = await import('mysql2');
      const connection = mysql.createConnection({
        uri: address.replace(/^mariadb:/, 'mysql:'),
        connectTimeout: connectMs,
        dateStrings: true,
        supportBigNumbers: true,
        bigNumberStrings: true,
        charset: 'utf8mb4',
        // what a server may ask of its client: never one of its files
        flags: ['-LOCAL_FILES'],
      });
      // a connection that is lost while nothing is asked fails the next question
      connection.on('error', () => undefined);
      const run = (sql: string): Promise<void> =>
        new Promise((done, fail) => connection.query(sql, (error) => (error === null ? done() : fail(error))));
      try {
        await run("SET SESSION time_zone = '+00:00'");
        await run('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
        // one snapshot, and nothing can be changed
        await run('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
        const inner = `(${innerQuery(query)}\n) AS source`;
        const columns = await columnsOf(connection, `SELECT * FROM ${inner} LIMIT 0`);
        const rows = connection
          .query({ sql: `SELECT * FROM ${inner}${beyond(columns, watermark)}`, rowsAsArray: true })
          .stream({ highWaterMark: 1000 });
        const read = await rowsThroughText({ folder, name: shown, columns }, valuesOf(rows), reading);
        await run('COMMIT');
        return { ...read, isBeyond: watermark?.from !== undefined };
      } catch (error) {
        throw isGyreError(error) ? error : databaseError(shown, address, error);
      } finally {
        connection.destroy();
      }
    },
  };
}

async function* valuesOf(rows: AsyncIterable<unknown>): AsyncIterable<readonly RowValue[]> {
  for await (const row of rows) {
    if (!Array.isArray(row)) continue;
    yield row.map((value: unknown) =>
      value === null || typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value),
    );
  }
}

function columnsOf(connection: import('mysql2').Connection, sql: string): Promise<RowColumn[]> {
  return new Promise((done, fail) => {
    connection.query({ sql, rowsAsArray: true }, (error, _, fields) => {
      if (error !== null) return fail(error);
      try {
        done(fields.map(({ name, columnType, characterSet }) => ({ name, type: typeOf(name, columnType ?? -1, characterSet ?? 0) })));
      } catch (refused) {
        fail(refused instanceof Error ? refused : new Error(String(refused)));
      }
    });
  });
}

/** The numbers of the protocol's column types. */
const integers = [1, 2, 3, 8, 9, 13];
const numbers = [0, 4, 5, 246];
const instants = [7, 10, 12];
const textTypes = [15, 245, 247, 248, 249, 250, 251, 252, 253, 254];
const binaryCharset = 63;
const jsonType = 245;

function typeOf(name: string, columnType: number, characterSet: number): ColumnType {
  if (integers.includes(columnType)) return 'integer';
  if (numbers.includes(columnType)) return 'number';
  if (instants.includes(columnType)) return 'instant';
  if (textTypes.includes(columnType) && (characterSet !== binaryCharset || columnType === jsonType)) return 'string';
  const message = `column "${name}" of the query has a type which has no place in a table (bytes, bits, lengths of time): cast it in the query, such as to CHAR`;
  throw new GyreError('INVALID_ARGUMENT', message, { column: name });
}

function beyond(columns: readonly RowColumn[], watermark: Watermark | undefined): string {
  if (watermark?.from === undefined) return '';
  const { column, from } = watermark;
  const type = columns.find(({ name }) => name === column)?.type;
  if (type === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `no column "${column}" for the watermark; the columns are ${columns.map(({ name }) => name).join(', ')}`,
    );
  const name = `source.\`${column.replaceAll('`', '``')}\``;
  if (type === 'instant') return ` WHERE ${name} >= '${nextMillisecond(from).replace('T', ' ').replace('Z', '')}'`;
  if (type === 'string') return ` WHERE BINARY ${name} > X'${Buffer.from(from).toString('hex')}'`;
  return ` WHERE ${name} > ${Number(from)}${type === 'number' ? 'e0' : ''}`;
}
