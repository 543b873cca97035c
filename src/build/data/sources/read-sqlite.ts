import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { GyreError, digestOf, messageOf } from '#core';
import type { ColumnType } from '#tables';
import { innerQuery } from './address.ts';
import { standingOf } from './file-standing.ts';
import { rowsThroughText } from './rows-text.ts';
import type { RowColumn, RowValue } from './rows-text.ts';
import type { DatasetSource, OpenSource, SourceLook, Watermark } from './source.ts';

/** A query of an SQLite file, which is opened to be read only. */
export function openSqlite({ path, query }: Extract<DatasetSource, { kind: 'sqlite' }>, address: string): OpenSource {
  const name = basename(path);
  return {
    kind: 'sqlite',
    address,
    query,
    look: () => lookAt(path),
    read: async (folder, reading, watermark) => {
      await standingOf(path);
      const { DatabaseSync } = await import('node:sqlite');
      const database = new DatabaseSync(path, { readOnly: true, timeout: 10_000, readBigInts: true });
      try {
        const inner = `(${innerQuery(query)}\n) AS source`;
        const columns = database
          .prepare(`SELECT * FROM ${inner}`)
          .columns()
          .map((column): RowColumn => {
            const type = declaredType(column.type);
            return { name: column.name, ...(type === undefined ? {} : { type }) };
          });
        const pushed = beyond(columns, watermark);
        const statement = database.prepare(`SELECT * FROM ${inner}${pushed}`);
        statement.setReturnArrays(true);
        const read = await rowsThroughText({ folder, name, columns }, valuesOf(statement.iterate(), columns), reading);
        return { ...read, isBeyond: pushed !== '' };
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'ERR_SQLITE_ERROR')
          throw new GyreError('INVALID_ARGUMENT', `${name}: ${messageOf(error)}`, { path }, { cause: error });
        throw error;
      } finally {
        database.close();
      }
    },
  };
}

/** What was written lately may stand in the log beside the file. */
async function lookAt(path: string): Promise<SourceLook> {
  const file = await standingOf(path);
  const log = await stat(`${path}-wal`, { bigint: true }).catch(() => undefined);
  if (log === undefined) return file;
  return {
    found: file.found,
    stamp: digestOf([file.stamp, `${log.size} ${log.mtimeNs}`]),
    changedAt: Math.max(file.changedAt ?? 0, Number(log.mtimeMs)),
  };
}

function* valuesOf(rows: Iterable<unknown>, columns: readonly RowColumn[]): Iterable<readonly RowValue[]> {
  for (const row of rows) {
    if (!Array.isArray(row)) continue;
    yield row.map((value: unknown, i): RowValue => {
      if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
      const message = `column "${columns[i].name}" of the query holds bytes, which have no place in a table: leave it out, or take hex(…) of it`;
      throw new GyreError('INVALID_ARGUMENT', message, { column: columns[i].name });
    });
  }
}

/** SQLite keeps any value in any column: only of texts and broken numbers is the declaration a help, where the values could be taken for more. */
function declaredType(type: string | null): ColumnType | undefined {
  if (type !== null && /CHAR|CLOB|TEXT/i.test(type)) return 'string';
  return type !== null && /REAL|FLOA|DOUB/i.test(type) ? 'number' : undefined;
}

function beyond(columns: readonly RowColumn[], watermark: Watermark | undefined): string {
  if (watermark?.from === undefined) return '';
  const { column, from } = watermark;
  if (!columns.some(({ name }) => name === column))
    throw new GyreError(
      'INVALID_ARGUMENT',
      `no column "${column}" for the watermark; the columns are ${columns.map(({ name }) => name).join(', ')}`,
    );
  const name = `source."${column.replaceAll('"', '""')}"`;
  if (Number.isFinite(Number(from))) return ` WHERE ${name} > ${Number(from)}`;
  const type = columns.find((each) => each.name === column)?.type;
  // an instant is a text of SQLite in the form that whoever wrote it chose: the rows themselves are compared when all are here
  if (type !== 'string' && !Number.isNaN(Date.parse(from))) return '';
  return ` WHERE ${name} > '${from.replaceAll("'", "''")}'`;
}
