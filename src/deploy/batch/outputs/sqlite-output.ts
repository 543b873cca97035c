import { dirname, join } from 'node:path';
import { stat } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { GyreError, messageOf } from '#core';
import { cellOf, parquetInfo, scanParquet } from '#tables';
import type { ColumnType, Frame } from '#tables';
import type { OpenOutput } from './output.ts';

const columnTypes: Readonly<Record<ColumnType, string>> = {
  integer: 'INTEGER',
  number: 'REAL',
  boolean: 'INTEGER',
  string: 'TEXT',
  instant: 'TEXT',
};
const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;
/** Which runs were written into this database, and which parts of one that is not finished. */
const recordTable = 'gyre_batch_parts';

/**
 * A table of an SQLite file. Parts go into a table beside it, each with its own record in one transaction; the last transaction gives the
 * table its name.
 */
export const openSqliteOutput: OpenOutput<'sqlite'> = ({ path, table }, existing) => {
  const open = (): DatabaseSync => {
    try {
      const database = new DatabaseSync(path, { timeout: 10_000 });
      database.exec('PRAGMA synchronous = FULL');
      return database;
    } catch (error) {
      throw new GyreError(
        'FAILED_PRECONDITION',
        `${path} cannot be opened as an SQLite file: ${messageOf(error)}`,
        { path },
        { cause: error },
      );
    }
  };
  const has = (database: DatabaseSync, wanted: string): boolean =>
    database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(wanted) !== undefined;
  const staging = `${table}__gyre_batch`;
  return {
    address: `${path}, table ${table}`,
    isPlain: true,
    isJoined: true,
    prepare: async () => {
      const folder = await stat(dirname(path)).catch(() => undefined);
      if (folder?.isDirectory() !== true) throw new GyreError('NOT_FOUND', `there is no folder ${dirname(path)} for the output`, { path });
      const there = await stat(path).catch(() => undefined);
      if (there === undefined) return;
      using database = open();
      if (existing === 'refuse' && has(database, table))
        throw new GyreError('ALREADY_EXISTS', `${path} has a table "${table}" already: --replace replaces it, --append adds to it`, {
          path,
          table,
        });
    },
    isPublished: async ({ run }) => {
      if ((await stat(path).catch(() => undefined)) === undefined) return false;
      using database = open();
      return (
        has(database, recordTable) && database.prepare(`SELECT 1 FROM ${recordTable} WHERE run = ? AND part = -1`).get(run) !== undefined
      );
    },
    publish: async ({ run, rows, parts, done, faults, signal }) => {
      using database = open();
      const { schema } = await parquetInfo(join(parts[0], 'rows.parquet'));
      database.exec(
        `CREATE TABLE IF NOT EXISTS ${recordTable} (run TEXT NOT NULL, part INTEGER NOT NULL, output TEXT NOT NULL, PRIMARY KEY (run, part))`,
      );
      const isWritten = database.prepare(`SELECT 1 FROM ${recordTable} WHERE run = ? AND part = ?`);
      const record = database.prepare(`INSERT INTO ${recordTable} VALUES (?, ?, ?)`);
      const begun = database.prepare(`SELECT count(*) AS parts FROM ${recordTable} WHERE run = ? AND part >= 0`).get(run);
      if (Number(begun?.['parts']) === 0) {
        // another run's beginning is of no use
        database.exec('BEGIN IMMEDIATE');
        database.exec(`DROP TABLE IF EXISTS ${name(staging)}`);
        database.prepare(`DELETE FROM ${recordTable} WHERE output = ? AND part >= 0`).run(table);
        database.exec(
          `CREATE TABLE ${name(staging)} (${schema.map((column) => `${name(column.name)} ${columnTypes[column.type]}`).join(', ')})`,
        );
        database.exec('COMMIT');
      }
      const insert = database.prepare(`INSERT INTO ${name(staging)} VALUES (${schema.map(() => '?').join(', ')})`);
      let written = 0;
      for (const [at, part] of parts.entries()) {
        const file = join(part, 'rows.parquet');
        if (isWritten.get(run, at) !== undefined) {
          written += (await parquetInfo(file)).rows;
          continue;
        }
        if (signal?.aborted === true) throw new GyreError('CANCELLED', 'stopped; finished parts are kept, and the same command goes on');
        database.exec('BEGIN IMMEDIATE');
        try {
          written += await scanParquet(file, (batch) => insertBatch(batch, (values) => void insert.run(...values)));
          record.run(run, at, table);
          faults.at('store.commit.before');
          database.exec('COMMIT');
          faults.at('store.commit.after');
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
        done(written);
      }
      if (written !== rows) throw new GyreError('DATA_LOSS', `${written} rows were written of ${rows}`);
      database.exec('BEGIN IMMEDIATE');
      if (existing === 'append' && has(database, table)) {
        const columns = schema.map((column) => name(column.name)).join(', ');
        database.exec(`INSERT INTO ${name(table)} (${columns}) SELECT ${columns} FROM ${name(staging)}; DROP TABLE ${name(staging)}`);
      } else {
        database.exec(`DROP TABLE IF EXISTS ${name(table)}; ALTER TABLE ${name(staging)} RENAME TO ${name(table)}`);
      }
      database.prepare(`DELETE FROM ${recordTable} WHERE run = ? AND part >= 0`).run(run);
      record.run(run, -1, table);
      faults.at('store.commit.before');
      database.exec('COMMIT');
      faults.at('store.commit.after');
    },
  };
};

function insertBatch(batch: Frame, insert: (values: (string | number | null)[]) => void): void {
  const columns = batch.schema.map(({ name: column, type }) => ({ column: batch.column(column), type }));
  for (let row = 0; row < batch.rows; row++)
    insert(
      columns.map(({ column, type }) => {
        const cell = cellOf(column, type, row);
        return typeof cell === 'boolean' ? Number(cell) : cell;
      }),
    );
}
