import { join } from 'node:path';
import { GyreError } from '#core';
import { createFrame, filterRows, parquetInfo, queryParquet, scanParquet, sqlName, sqlText, writeParquetQuery, writeRows } from '#tables';
import type { Cell, ColumnType, TableSchema } from '#tables';
import { toRecords } from '#tables';
import { parseRule, ruleOn } from '../rules.ts';
import type { RowsFile } from '../versions.ts';

/** The rows for which a comparison holds, as a file beside the whole. @throws GyreError FAILED_PRECONDITION when none does */
export async function filteredRows(whole: RowsFile, where: string, name: string): Promise<RowsFile> {
  const path = `${whole.path}-where`;
  const empty = createFrame([]);
  const shape = { ...empty, ...shapeOf(whole.schema) };
  const rule = parseRule(where, shape);
  const rows = await writeRows(path, whole.schema, async (add) => {
    await scanParquet(whole.path, async (batch) => {
      const holds = ruleOn(batch, rule);
      await add(filterRows(batch, (row) => holds(row) === true));
    });
  });
  if (rows > 0) return { path, rows, schema: whole.schema };
  throw new GyreError('FAILED_PRECONDITION', `${name}: none of the ${whole.rows} rows meets "${where}"; 0 rows are left`, {
    where,
    rows: whole.rows,
  });
}

function shapeOf(schema: TableSchema): Parameters<typeof parseRule>[1] {
  const types = new Map(schema.map(({ name, type }) => [name, type]));
  return {
    names: schema.map(({ name }) => name),
    has: (name) => types.has(name),
    typeOf: (name) => {
      const type = types.get(name);
      if (type !== undefined) return type;
      throw new GyreError('INVALID_ARGUMENT', `no column "${name}"`, { column: name });
    },
  };
}

/** A watermark's value as records say it. */
export function watermarkText(value: Cell): string | undefined {
  return value === null ? undefined : String(value);
}

/** The greatest value of a watermark's column. @throws GyreError when there is no such column, it is of no kind that rises, or a row misses it */
export async function greatestOf(rows: RowsFile, column: string): Promise<string | undefined> {
  const type = watermarkType(rows.schema, column);
  const name = sqlName(column);
  const found = toRecords(
    await queryParquet(`SELECT max(${name}) AS greatest, count(*) - count(${name}) AS missing FROM rows`, { rows: rows.path }),
  );
  const [{ greatest, missing }] = found;
  if (Number(missing) > 0) {
    const message = `the watermark "${column}" is missing in ${missing} row${Number(missing) === 1 ? '' : 's'}: nothing would tell whether these were read`;
    throw new GyreError('FAILED_PRECONDITION', message, { column });
  }
  return type === 'boolean' ? undefined : watermarkText(greatest);
}

export function watermarkType(schema: TableSchema, column: string): ColumnType {
  const type = schema.find(({ name }) => name === column)?.type;
  if (type === undefined) {
    const names = schema.map(({ name }) => name).join(', ');
    throw new GyreError('INVALID_ARGUMENT', `no column "${column}" for the watermark; the columns are ${names}`, { column });
  }
  if (type === 'boolean')
    throw new GyreError('INVALID_ARGUMENT', `the watermark "${column}" is true or false: a column that rises is needed`, { column });
  return type;
}

/** The rows beyond a watermark, as a file beside the whole. */
export async function rowsBeyond(whole: RowsFile, column: string, from: string): Promise<RowsFile> {
  const path = `${whole.path}-beyond`;
  const type = watermarkType(whole.schema, column);
  const value = type === 'instant' ? `CAST(${sqlText(from)} AS TIMESTAMPTZ)::TIMESTAMP` : type === 'string' ? sqlText(from) : Number(from);
  await writeParquetQuery(path, `SELECT * FROM whole WHERE ${sqlName(column)} > ${value}`, { whole: whole.path });
  const { rows } = await parquetInfo(path);
  return { path, rows, schema: whole.schema };
}

/** The rows of a version and new ones behind them. @param base the path of the version's rows @throws GyreError when their columns differ */
export async function appendedRows(base: RowsFile, added: RowsFile, folder: string): Promise<RowsFile> {
  const more = added.schema.filter(({ name }) => !base.schema.some((column) => column.name === name));
  const less = base.schema.filter(({ name }) => !added.schema.some((column) => column.name === name));
  const changed = added.schema.find(({ name, type }) => base.schema.some((column) => column.name === name && column.type !== type));
  if (more.length + less.length > 0 || changed !== undefined) {
    const listed = (columns: TableSchema): string => columns.map(({ name }) => `"${name}"`).join(', ');
    const difference = [
      ...(more.length > 0 ? [`have ${listed(more)} more`] : []),
      ...(less.length > 0 ? [`lack ${listed(less)}`] : []),
      ...(changed === undefined ? [] : [`have "${changed.name}" as ${changed.type}`]),
    ];
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the new rows ${difference.join(', ')}, other than the version that they are to be added to: ingest the whole without the watermark`,
      {},
    );
  }
  const path = join(folder, 'appended.parquet');
  const columns = base.schema.map(({ name }) => sqlName(name)).join(', ');
  await writeParquetQuery(path, `SELECT ${columns} FROM base UNION ALL SELECT ${columns} FROM added`, {
    base: base.path,
    added: added.path,
  });
  return { path, rows: base.rows + added.rows, schema: base.schema };
}
