import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { GyreError, isGyreError, messageOf } from '#core';
import { resolveReferences } from '#project';
import { parquetInfo, writeRowsText } from '#tables';
import type { ColumnType } from '#tables';
import type { OpenOutput } from './output.ts';

const columnTypes: Readonly<Record<ColumnType, string>> = {
  integer: 'bigint',
  number: 'double precision',
  boolean: 'boolean',
  string: 'text',
  instant: 'timestamptz',
};
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
/** A table's name, perhaps behind its schema's. */
const tableName = (text: string): string => text.split('.').map(quoted).join('.');
const recordTable = 'gyre_batch_parts';
const connectMs = 15_000;

/**
 * A table of PostgreSQL. Parts go by COPY into a table beside it, each with its own record in one transaction; the last transaction gives the
 * table its name. An advisory lock keeps other machines away meanwhile.
 */
export const openPostgresOutput: OpenOutput<'postgres'> = ({ address, table }, existing, { environment }) => {
  const url = URL.parse(address);
  if (url === null || !['postgres:', 'postgresql:'].includes(url.protocol))
    throw new GyreError('INVALID_ARGUMENT', 'the address of the database is none: postgres://user:password@host:port/database is needed');
  const shown = `postgres://${url.host}${url.pathname}`;
  if (!/^[^.]+(\.[^.]+)?$/.test(table))
    throw new GyreError('INVALID_ARGUMENT', `"${table}" is no table's name: TABLE or SCHEMA.TABLE is needed`);
  const staging = `${table}__gyre_batch`;
  const withClient = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const settled = resolveReferences(address, environment);
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: settled, connectionTimeoutMillis: connectMs, application_name: 'gyre' });
    // a connection that is lost while nothing is asked fails the next question
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      throw isGyreError(error) ? error : databaseError(shown, settled, error);
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const has = async (client: Client, wanted: string): Promise<boolean> => {
    const { rows } = await client.query<{ found: string | null }>('SELECT to_regclass($1)::text AS found', [tableName(wanted)]);
    return rows[0].found !== null;
  };
  return {
    address: `${shown}, table ${table}`,
    isPlain: true,
    isJoined: true,
    prepare: () =>
      withClient(async (client) => {
        if (existing === 'refuse' && (await has(client, table)))
          throw new GyreError('ALREADY_EXISTS', `${shown} has a table "${table}" already: --replace replaces it, --append adds to it`, {
            table,
          });
      }),
    isPublished: ({ run }) =>
      withClient(async (client) => {
        if (!(await has(client, recordTable))) return false;
        const { rowCount } = await client.query(`SELECT 1 FROM ${recordTable} WHERE run = $1 AND part = -1`, [run]);
        return rowCount === 1;
      }),
    publish: ({ run, rows, parts, work, memoryLimitMib, done, faults, signal }) =>
      withClient(async (client) => {
        const { rows: locks } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS held', [
          `gyre.batch ${table}`,
        ]);
        if (!locks[0].held)
          throw new GyreError(
            'ABORTED',
            `the table "${table}" is being written by another batch prediction: wait until it ends, or stop it`,
          );
        const { from: copyFrom } = await import('pg-copy-streams');
        const { schema } = await parquetInfo(join(parts[0], 'rows.parquet'));
        await client.query(
          `CREATE TABLE IF NOT EXISTS ${recordTable} (run text NOT NULL, part integer NOT NULL, output text NOT NULL, PRIMARY KEY (run, part))`,
        );
        const { rows: begun } = await client.query<{ part: number }>(`SELECT part FROM ${recordTable} WHERE run = $1 AND part >= 0`, [run]);
        const written = new Set(begun.map(({ part }) => part));
        const inTransaction = async (change: () => Promise<void>): Promise<void> => {
          await client.query('BEGIN');
          try {
            await change();
            faults.at('store.commit.before');
            await client.query('COMMIT');
            faults.at('store.commit.after');
          } catch (error) {
            await client.query('ROLLBACK').catch(() => undefined);
            throw error;
          }
        };
        if (written.size === 0)
          // another run's beginning is of no use
          await inTransaction(async () => {
            await client.query(`DROP TABLE IF EXISTS ${tableName(staging)}`);
            await client.query(`DELETE FROM ${recordTable} WHERE output = $1 AND part >= 0`, [table]);
            await client.query(
              `CREATE TABLE ${tableName(staging)} (${schema.map((column) => `${quoted(column.name)} ${columnTypes[column.type]}`).join(', ')})`,
            );
          });
        for (const [at, part] of parts.entries()) {
          if (signal?.aborted === true) throw new GyreError('CANCELLED', 'stopped; finished parts are kept, and the same command goes on');
          if (!written.has(at)) {
            const text = join(work, 'part.csv');
            await writeRowsText(text, join(part, 'rows.parquet'), 'csv', { memoryLimitMib, spillFolder: work });
            await inTransaction(async () => {
              await pipeline(createReadStream(text), client.query(copyFrom(`COPY ${tableName(staging)} FROM STDIN (FORMAT csv, HEADER)`)));
              await client.query(`INSERT INTO ${recordTable} VALUES ($1, $2, $3)`, [run, at, table]);
            });
            await rm(text, { force: true });
          }
          done(Math.floor((rows * (at + 1)) / parts.length));
        }
        const { rows: counted } = await client.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${tableName(staging)}`);
        if (Number(counted[0].rows) !== rows) throw new GyreError('DATA_LOSS', `${counted[0].rows} rows were written of ${rows}`);
        await inTransaction(async () => {
          if (existing === 'append' && (await has(client, table))) {
            const columns = schema.map((column) => quoted(column.name)).join(', ');
            await client.query(`INSERT INTO ${tableName(table)} (${columns}) SELECT ${columns} FROM ${tableName(staging)}`);
            await client.query(`DROP TABLE ${tableName(staging)}`);
          } else {
            await client.query(`DROP TABLE IF EXISTS ${tableName(table)}`);
            await client.query(`ALTER TABLE ${tableName(staging)} RENAME TO ${quoted(table.split('.').at(-1) ?? table)}`);
          }
          await client.query(`DELETE FROM ${recordTable} WHERE run = $1 AND part >= 0`, [run]);
          await client.query(`INSERT INTO ${recordTable} VALUES ($1, -1, $2)`, [run, table]);
        });
      }),
  };
};

function databaseError(shown: string, address: string, error: unknown): GyreError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const secret = URL.parse(address)?.password ?? '';
  const said = messageOf(error) === '' ? code : messageOf(error);
  const message = secret === '' ? said : said.replaceAll(secret, '***').replaceAll(decodeURIComponent(secret), '***');
  const isAway = /^(ECONN|ENOTFOUND|ETIMEDOUT|57P|08)/.test(code) || /terminated|closed|timeout/i.test(message);
  const kind = isAway
    ? 'UNAVAILABLE'
    : code === '42501'
      ? 'PERMISSION_DENIED'
      : code.startsWith('28')
        ? 'UNAUTHENTICATED'
        : 'INVALID_ARGUMENT';
  return new GyreError(kind, `${shown}: ${message}`, { database: shown }, { cause: error });
}
