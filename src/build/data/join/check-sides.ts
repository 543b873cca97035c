import { GyreError } from '#core';
import { sqlName } from '#tables';
import type { ColumnType, OpenTables, TableSchema } from '#tables';
import type { Aggregate, JoinRequest, JoinSide } from './join-request.ts';
import { oneColumns } from './join-sql.ts';

/** Functions that need numbers, and those that need an order. */
const ofNumbers: readonly string[] = ['sum', 'mean', 'median', 'std'];

/**
 * Sees to it that a join means something before it is made: columns, their types, instants without gaps, one row for each key where one is
 * expected. Messages name the place in gyre.yaml.
 * @throws GyreError INVALID_ARGUMENT for what is wrong in the project, FAILED_PRECONDITION for what is wrong in the rows
 */
export async function checkJoin(request: JoinRequest, tables: OpenTables): Promise<void> {
  const where = `data.${request.dataset}.source`;
  const base = tables.schemaOf('base');
  const key = columnOf(base, request.base, request.key, `${where}.key`);
  if (request.at !== undefined) {
    checkInstant(columnOf(base, request.base, request.at, `${where}.at`), request.at, `${where}.at`);
    await checkNoGaps(tables, 'base', request.base, request.at, `${where}.at`);
  }
  const owners = new Map(base.map(({ name }) => [name, request.base]));
  for (const [index, side] of request.sides.entries()) {
    const here = `${where}.with.${side.name}`;
    const schema = tables.schemaOf(`s${index}`);
    checkKeys(key, columnOf(schema, side.dataset, side.key, `${here}.key`), request, side, here);
    if (side.time !== undefined) {
      checkInstant(columnOf(schema, side.dataset, side.time, `${here}.time`), side.time, `${here}.time`);
      await checkNoGaps(tables, `s${index}`, side.dataset, side.time, `${here}.time`);
    }
    checkColumns(schema, side, here);
    if (side.taken.kind === 'one') await checkSingle(tables, `s${index}`, side, here);
    for (const { name } of namesOf(side, schema)) {
      const owner = owners.get(name);
      if (owner !== undefined)
        throw new GyreError('INVALID_ARGUMENT', `${here} gives a column "${name}", and so does "${owner}": give it another name`, {
          column: name,
        });
      owners.set(name, side.name);
    }
  }
}

function namesOf(side: JoinSide, schema: TableSchema): readonly { readonly name: string }[] {
  if (side.taken.kind === 'aggregate') return side.taken.aggregates;
  return side.taken.kind === 'latest' ? side.taken.columns : oneColumns(side, schema);
}

function columnOf(schema: TableSchema, dataset: string, column: string, where: string): ColumnType {
  const found = schema.find(({ name }) => name === column);
  if (found !== undefined) return found.type;
  const known = schema.map(({ name }) => name).join(', ');
  throw new GyreError('INVALID_ARGUMENT', `${where}: dataset "${dataset}" has no column "${column}"; its columns: ${known}`, { column });
}

function checkInstant(type: ColumnType, column: string, where: string): void {
  if (type === 'instant') return;
  throw new GyreError('INVALID_ARGUMENT', `${where}: "${column}" is a column of type ${type}; instants are needed`, { column, type });
}

function checkKeys(base: ColumnType, other: ColumnType, request: JoinRequest, side: JoinSide, here: string): void {
  const isNumber = (type: ColumnType): boolean => type === 'integer' || type === 'number';
  if (base === other || (isNumber(base) && isNumber(other))) return;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${here}.key: "${side.key}" is of type ${other}, and "${request.key}" of "${request.base}" is of type ${base}: say the same type in their reviewed schemas`,
    { key: side.key, types: [base, other] },
  );
}

function checkColumns(schema: TableSchema, side: JoinSide, here: string): void {
  const { taken } = side;
  if (taken.kind === 'aggregate') {
    for (const aggregate of taken.aggregates) checkAggregate(schema, side.dataset, aggregate, `${here}.aggregate.${aggregate.name}`);
    return;
  }
  const field = taken.kind === 'latest' ? 'latest' : 'columns';
  for (const { column } of taken.columns ?? []) columnOf(schema, side.dataset, column, `${here}.${field}`);
}

function checkAggregate(schema: TableSchema, dataset: string, { function: name, column }: Aggregate, where: string): void {
  if (column === undefined) return;
  const type = columnOf(schema, dataset, column, where);
  if (!ofNumbers.includes(name) || ['integer', 'number', 'boolean'].includes(type)) return;
  throw new GyreError('INVALID_ARGUMENT', `${where}: ${name}(${column}) needs numbers, and "${column}" is of type ${type}`, {
    column,
    type,
  });
}

async function checkNoGaps(tables: OpenTables, table: string, dataset: string, column: string, where: string): Promise<void> {
  const name = sqlName(column);
  const [found] = await tables.records(
    `SELECT count(*)::BIGINT AS gaps, min("#position")::BIGINT AS first FROM ${table} WHERE ${name} IS NULL`,
  );
  const gaps = Number(found['gaps']);
  if (gaps === 0) return;
  // row numbers are the source's: the header is row 1
  const first = Number(found['first']) + 2;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${where}: ${gaps} row${gaps === 1 ? '' : 's'} of "${dataset}" ${gaps === 1 ? 'has' : 'have'} no ${column}, row ${first} first: without it nobody knows what was known when`,
    { dataset, column, rows: gaps },
  );
}

async function checkSingle(tables: OpenTables, table: string, side: JoinSide, here: string): Promise<void> {
  const key = sqlName(side.key);
  const found = await tables.records(
    `SELECT ${key}::VARCHAR AS key, count(*)::BIGINT AS rows, min("#position")::BIGINT AS first, max("#position")::BIGINT AS last FROM ${table} WHERE ${key} IS NOT NULL GROUP BY ${key} HAVING count(*) > 1 ORDER BY first LIMIT 1`,
  );
  if (found.length === 0) return;
  const [{ key: value, rows, first, last }] = found;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${here}.key: "${side.dataset}" has ${String(rows)} rows with ${side.key} "${String(value)}" (rows ${Number(first) + 2} to ${Number(last) + 2}), and one is expected: say "latest" for the newest of them, or "aggregate"`,
    { dataset: side.dataset, key: side.key },
  );
}
