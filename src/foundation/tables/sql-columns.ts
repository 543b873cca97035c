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
 * Instants are whole milliseconds as TIMESTAMP. Columns that are so already are named as they are: then the engine leaves out parts of the file that cannot meet a condition. Another
 * writer's numbers may be NaN, which no statistics of the file show.
 * @throws GyreError INVALID_ARGUMENT when the file is no Parquet file or a column has no place in a table
 */
export async function plainParquet(
  duck: Duck,
  path: string,
): Promise<{ readonly schema: TableSchema; readonly plain: string; readonly isOurs: boolean }> {
  const schema = await parquetSchema(duck, path);
  const described = await duck.rows(`SELECT column_type FROM (DESCRIBE SELECT * FROM ${parquetAt(path)})`);
  const [[writer]] = await duck.rows(`SELECT created_by FROM parquet_file_metadata(${literal(path)})`);
  const millis = await duck.rows(`SELECT name FROM parquet_schema(${literal(path)}) WHERE converted_type = 'TIMESTAMP_MILLIS'`);
  const inMillis = new Set(millis.map(([name]) => name));
  const isOurs = String(writer).startsWith('DuckDB');
  const plain = schema.map(({ name, type }, i) => {
    const [column, sqlType] = [identifier(name), String(described[i][0])];
    const isFloating = sqlType === 'DOUBLE' || sqlType === 'FLOAT';
    if (type === 'instant') {
      // the engine reads milliseconds as a TIMESTAMP of microseconds
      const whole = sqlType === 'TIMESTAMP' && inMillis.has(name) ? column : `${column}::${sqlTypes.instant}::TIMESTAMP`;
      return whole === column ? column : `${whole} AS ${column}`;
    }
    if (sqlType === sqlTypes[type] && (isOurs || !isFloating)) return column;
    const value = `${column}::${sqlTypes[type]}`;
    return `${isFloating ? `CASE WHEN isnan(${column}) THEN NULL ELSE ${value} END` : value} AS ${column}`;
  });
  return { schema, plain: plain.join(', '), isOurs };
}

/** How many rows a table of a file has, and how many of them miss each column. */
export interface ParquetCounts {
  readonly rows: number;
  /** Column → rows. */
  readonly missing: ReadonlyMap<string, number>;
}

/** By the file's own statistics where they say so, else counted in the table. @param table with the columns of `plainParquet` */
export async function countMissing(
  duck: Duck,
  path: string,
  table: string,
  { schema, isOurs }: { readonly schema: TableSchema; readonly isOurs: boolean },
): Promise<ParquetCounts> {
  const [[all]] = await duck.rows(`SELECT sum(num_rows)::DOUBLE FROM parquet_file_metadata(${literal(path)})`);
  const rows = Number(all);
  const said = await duck.rows(
    `SELECT path_in_schema, sum(stats_null_count)::DOUBLE FROM parquet_metadata(${literal(path)}) GROUP BY ALL HAVING count(*) = count(stats_null_count)`,
  );
  const known = new Map(said.map(([name, missing]) => [String(name), Number(missing)]));
  // another writer's numbers may be NaN, which is missing, too
  const isSaid = ({ name, type }: TableSchema[number]): boolean => known.has(name) && (isOurs || type !== 'number');
  const counted = schema.filter((column) => rows > 0 && !isSaid(column)).map(({ name }) => name);
  if (counted.length > 0) {
    const [present] = await duck.rows(`SELECT ${counted.map((name) => `count(${identifier(name)})::DOUBLE`).join(', ')} FROM ${table}`);
    counted.forEach((name, i) => known.set(name, rows - Number(present[i])));
  }
  return { rows, missing: new Map(schema.map(({ name }) => [name, known.get(name) ?? 0])) };
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

/** @throws GyreError INVALID_ARGUMENT for a type that has no place in a table */
export function columnType(name: string, sqlType: string): ColumnType {
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
