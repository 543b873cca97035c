import { GyreError } from '#core';
import type { ColumnType } from './column.ts';
import type { FileRead } from './csv-file.ts';
import { engineError, withDuck } from './duck.ts';
import type { Duck, DuckOptions } from './duck.ts';
import { listed } from './frame.ts';
import type { TableSchema } from './frame.ts';
import { copySql } from './parquet-writer.ts';
import { countRows, identifier, literal, parquetAt, parquetSchema, sqlTypes } from './sql-columns.ts';

/** A Parquet file of a source, with the columns that its folder's name says (`country=DE/`). */
export interface ParquetPart {
  /** Absolute. */
  readonly path: string;
  /** Such as the path in its folder, for messages. */
  readonly name: string;
}

export interface ParquetSource {
  readonly parts: readonly ParquetPart[];
  /** Columns that folders' names say, as Hive writes them; each is in the path of every file. */
  readonly partitions?: readonly { readonly name: string; readonly type: Extract<ColumnType, 'string' | 'integer' | 'instant'> }[];
}

/**
 * Writes the rows of Parquet files, in the order of the files, as one file of ours, in the engine's bounded memory.
 * @param target absolute, the Parquet file that is written
 * @throws GyreError INVALID_ARGUMENT for what is no Parquet, files that differ in their columns, values that have no place in a table
 */
export async function parquetFile({ parts, partitions = [] }: ParquetSource, target: string, options: DuckOptions = {}): Promise<FileRead> {
  const paths = parts.map(({ path }) => path);
  return withDuck({ ...options, threads: 1, files: [target, ...paths] }, async (duck) => {
    const own = await commonSchema(duck, parts);
    const twice = partitions.find(({ name }) => own.some((column) => column.name === name));
    if (twice !== undefined)
      throw new GyreError('INVALID_ARGUMENT', `"${twice.name}" is a column of ${parts[0].name} and a part of its folder's name`);
    const columns = [...own.map(({ name, type }) => checked(name, type)), ...partitions.map(({ name, type }) => partitioned(name, type))];
    const hive = partitions.map(({ name }) => `${literal(name)}: 'VARCHAR'`).join(', ');
    const table = `read_parquet([${paths.map(literal).join(', ')}]${hive === '' ? ', hive_partitioning = false' : `, hive_partitioning = true, hive_types = {${hive}}`})`;
    try {
      await duck.run(copySql(`SELECT ${columns.join(', ')} FROM ${table}`, target));
    } catch (cause) {
      for (const part of parts) await refuseValues(duck, part, own);
      throw engineError('INVALID_ARGUMENT', `${parts[0].name} cannot be read`, cause);
    }
    const schema = [...own, ...partitions.map(({ name, type }) => ({ name, type }))];
    return { rows: await countRows(duck, parquetAt(target)), schema };
  });
}

async function commonSchema(duck: Duck, parts: readonly ParquetPart[]): Promise<TableSchema> {
  const [first, ...others] = parts;
  const schema = await parquetSchema(duck, first.path);
  for (const part of others) {
    const other = await parquetSchema(duck, part.path);
    const more = other.filter(({ name }) => !schema.some((column) => column.name === name)).map(({ name }) => name);
    const less = schema.filter(({ name }) => !other.some((column) => column.name === name)).map(({ name }) => name);
    const changed = other.find(({ name, type }) => schema.some((column) => column.name === name && column.type !== type));
    const difference = [
      ...(more.length > 0 ? [`has ${listed(more)} more`] : []),
      ...(less.length > 0 ? [`lacks ${listed(less)}`] : []),
      ...(changed === undefined ? [] : [`has "${changed.name}" as ${changed.type}`]),
    ];
    if (difference.length === 0) continue;
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${part.name} ${difference.join(', ')}, other than ${first.name}: the files of one table have the same columns`,
      {
        file: part.name,
        other: first.name,
      },
    );
  }
  return schema;
}

/** The values of a column that a table cannot hold. */
const badValue: Partial<Record<ColumnType, (column: string) => string>> = {
  integer: (column) => `abs(${column}::HUGEINT) > ${Number.MAX_SAFE_INTEGER}`,
  number: (column) => `isinf(${column}::DOUBLE)`,
};

function checked(name: string, type: ColumnType): string {
  const column = identifier(name);
  const value =
    type === 'number'
      ? `CASE WHEN isnan(${column}::DOUBLE) THEN NULL ELSE ${column}::DOUBLE END`
      : type === 'instant'
        ? `make_timestamp_ms(epoch_ms(${column}::TIMESTAMP))::${sqlTypes.instant}`
        : `${column}::${sqlTypes[type]}`;
  const bad = badValue[type]?.(column);
  return `${bad === undefined ? value : `CASE WHEN ${bad} THEN error('no place') ELSE ${value} END`} AS ${column}`;
}

function partitioned(name: string, type: ColumnType): string {
  const column = identifier(name);
  const text = `CASE WHEN ${column} = '__HIVE_DEFAULT_PARTITION__' THEN NULL ELSE ${column} END`;
  return `CAST(${text} AS ${sqlTypes[type]}) AS ${column}`;
}

async function refuseValues(duck: Duck, { path, name: file }: ParquetPart, schema: TableSchema): Promise<void> {
  for (const { name, type } of schema) {
    const bad = badValue[type]?.(identifier(name));
    if (bad === undefined) continue;
    const [found] = await duck.rows(
      `SELECT position::DOUBLE FROM (SELECT *, row_number() OVER () AS position FROM ${parquetAt(path)}) WHERE ${bad} ORDER BY position LIMIT 1`,
    );
    if (found === undefined) continue;
    const row = Number(found[0]);
    const message =
      type === 'number'
        ? `${file}: column "${name}" has a value that is not finite, in row ${row}; leave it NULL where a value is missing`
        : `${file}: column "${name}", row ${row}: an integer beyond 2^53 cannot be kept exactly; store it as a string`;
    throw new GyreError('INVALID_ARGUMENT', message, { column: name, row });
  }
}
