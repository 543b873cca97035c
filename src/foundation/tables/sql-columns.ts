import { GyreError } from '#core';
import type { ColumnType } from './column.ts';
import { engineError } from './duck.ts';
import type { Duck } from './duck.ts';
import { listed } from './frame.ts';
import type { TableSchema } from './frame.ts';

/** How each column type is kept in the engine and in Parquet. */
export const sqlTypes: Record<ColumnType, string> = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  string: 'VARCHAR',
  instant: 'TIMESTAMP_MS',
};

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A Parquet file as a table of a query; what its folders are called says nothing. @param path absolute */
export const parquetAt = (path: string): string => `read_parquet(${literal(path)}, hive_partitioning = false)`;

export async function countRows(duck: Duck, table: string): Promise<number> {
  const [[rows]] = await duck.rows(`SELECT count(*)::DOUBLE FROM ${table}`);
  return Number(rows);
}

/** @throws GyreError INVALID_ARGUMENT when the file is no Parquet file or a column has no place in a table */
export async function parquetSchema(duck: Duck, path: string, columns?: readonly string[]): Promise<TableSchema> {
  try {
    return await schemaOf(duck, parquetAt(path), columns);
  } catch (cause) {
    throw engineError('INVALID_ARGUMENT', `${path} cannot be read as Parquet`, cause);
  }
}

/**
 * The columns of a Parquet file, and what stands behind SELECT to have them with the types of our own files and NULL for what is missing.
 * Columns that are so already are named as they are: then the engine leaves out parts of the file that cannot meet a condition. Another
 * writer's numbers may be NaN, which no statistics of the file show.
 * @throws GyreError INVALID_ARGUMENT when the file is no Parquet file or a column has no place in a table
 */
export async function plainParquet(duck: Duck, path: string): Promise<{ readonly schema: TableSchema; readonly plain: string }> {
  const schema = await parquetSchema(duck, path);
  const described = await duck.rows(`SELECT column_type FROM (DESCRIBE SELECT * FROM ${parquetAt(path)})`);
  const [[writer]] = await duck.rows(`SELECT created_by FROM parquet_file_metadata(${literal(path)})`);
  const isOurs = String(writer).startsWith('DuckDB');
  const plain = schema.map(({ name, type }, i) => {
    const [column, sqlType] = [identifier(name), String(described[i][0])];
    const isFloating = sqlType === 'DOUBLE' || sqlType === 'FLOAT';
    if (sqlType === sqlTypes[type] && (isOurs || !isFloating)) return column;
    const value = `${column}::${sqlTypes[type]}`;
    return `${isFloating ? `CASE WHEN isnan(${column}) THEN NULL ELSE ${value} END` : value} AS ${column}`;
  });
  return { schema, plain: plain.join(', ') };
}

/** Picks columns of a schema, in the order in which they are asked for. @throws GyreError INVALID_ARGUMENT naming those that exist */
export function pickColumns(schema: TableSchema, names: readonly string[]): TableSchema {
  return names.map((name) => {
    const found = schema.find((column) => column.name === name);
    if (found) return found;
    const all = schema.map((column) => column.name);
    throw new GyreError('INVALID_ARGUMENT', `no column "${name}"; the columns are ${listed(all)}`, { column: name, columns: all });
  });
}

/** What stands behind SELECT to read these columns. */
export const projected = (schema: TableSchema): string =>
  schema.length === 0 ? 'NULL' : schema.map(({ name, type }) => projection(name, type)).join(', ');

/**
 * The columns of a table of the engine.
 * @param columns look at these only, so that a column without a place in a table harms nobody who does not ask for it
 */
export async function schemaOf(duck: Duck, table: string, columns?: readonly string[]): Promise<TableSchema> {
  const described = await duck.rows(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${table})`);
  return described
    .map(([name, sqlType]) => ({ name: String(name), sqlType: String(sqlType) }))
    .filter(({ name }) => columns?.includes(name) ?? true)
    .map(({ name, sqlType }) => ({ name, type: columnType(name, sqlType) }));
}

function columnType(name: string, sqlType: string): ColumnType {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(sqlType)) return 'integer';
  if (/^(DOUBLE|FLOAT|DECIMAL\(.*\))$/.test(sqlType)) return 'number';
  if (sqlType === 'BOOLEAN') return 'boolean';
  if (/^(VARCHAR|UUID|ENUM\(.*\))$/.test(sqlType)) return 'string';
  if (/^(DATE|TIMESTAMP(_MS|_S|_NS| WITH TIME ZONE)?)$/.test(sqlType)) return 'instant';
  throw new GyreError('INVALID_ARGUMENT', `column "${name}" has type ${sqlType}, which has no place in a table`, { column: name, sqlType });
}

/** A column as what the readers take: a text, or a number with NaN where it is missing. */
function projection(name: string, type: ColumnType): string {
  const column = identifier(name);
  if (type === 'string') return `${column}::VARCHAR`;
  const number = type === 'instant' ? `epoch_ms(${column}::TIMESTAMP)` : type === 'boolean' ? `${column}::TINYINT` : column;
  // a vector without NULLs is read several times faster
  return `coalesce(${number}::DOUBLE, 'NaN'::DOUBLE)`;
}
