import { sqlName } from '#tables';
import type { ColumnType, TableSchema } from '#tables';
import type { Aggregate, JoinRequest, JoinSide } from './join-request.ts';

/*
 * One statement makes the joined table. Tables are named `base`, `s0`, `s1`, …; `#row` numbers the rows of the base and `#at` those of a
 * side, in the order of their files, which settles what would else be left to chance: the order of the result, and which of two rows of
 * one instant is the newest (the later in the file, as pandas' merge_asof has it).
 */

const row = sqlName('#row');
const place = sqlName('#at');

/** @param typeOf the type of a side's column */
export function joinSql(request: JoinRequest, baseSchema: TableSchema, sideSchemas: readonly TableSchema[]): string {
  const parts = request.sides.map((side, index) => sidePart(request, side, index, sideSchemas[index]));
  const columns = [
    ...baseSchema.map(({ name }) => `b.${sqlName(name)}`),
    ...request.sides.flatMap((side, index) => resultColumns(side, index, sideSchemas[index])),
    `b.${row}`,
  ];
  const joins = request.sides.map((_side, index) => ` LEFT JOIN m${index} ON m${index}.${row} = b.${row}`);
  return `WITH b AS (SELECT *, row_number() OVER () AS ${row} FROM base), ${parts.join(', ')} SELECT ${columns.join(', ')} FROM b${joins.join('')}`;
}

/** `m0`: the rows of the base that have something of this side, with its columns. */
function sidePart(request: JoinRequest, side: JoinSide, index: number, schema: TableSchema): string {
  const table = `(SELECT *, row_number() OVER () AS ${place} FROM s${index})`;
  const sameKey = `s.${sqlName(side.key)} = b.${sqlName(request.key)}`;
  const { taken } = side;
  switch (taken.kind) {
    case 'aggregate': {
      const figures = taken.aggregates.map((each) => `${aggregateSql(each, side, typeIn(schema, each.column))} AS ${sqlName(each.name)}`);
      return `m${index} AS (SELECT b.${row}, ${figures.join(', ')} FROM b JOIN ${table} s ON ${[sameKey, ...within(request, side)].join(' AND ')} GROUP BY b.${row})`;
    }
    case 'latest': {
      const key = sqlName(side.key);
      const time = sqlName(side.time ?? '');
      const columns = taken.columns.map(({ name, column }) => `s.${sqlName(column)} AS ${sqlName(name)}`).join(', ');
      if (request.at === undefined) {
        const newest = `(SELECT * FROM ${table} QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY ${time} DESC, ${place} DESC) = 1)`;
        return `m${index} AS (SELECT b.${row}, ${columns} FROM b JOIN ${newest} s ON ${sameKey})`;
      }
      const single = `(SELECT * FROM ${table} QUALIFY row_number() OVER (PARTITION BY ${key}, ${time} ORDER BY ${place} DESC) = 1)`;
      const [before, ...window] = within(request, side);
      const where = window.length === 0 ? '' : ` WHERE ${window.join(' AND ')}`;
      return `m${index} AS (SELECT b.${row}, ${columns} FROM b ASOF JOIN ${single} s ON ${sameKey} AND ${before}${where})`;
    }
    case 'one': {
      const columns = oneColumns(side, schema).map(({ name, column }) => `s.${sqlName(column)} AS ${sqlName(name)}`);
      return `m${index} AS (SELECT ${[`b.${row}`, ...columns].join(', ')} FROM b JOIN s${index} s ON ${sameKey})`;
    }
  }
}

/** What a row of the side must meet to be known at the instant of the base row. */
function within({ at }: JoinRequest, { time, bounds, windowMs }: JoinSide): readonly string[] {
  if (at === undefined || time === undefined) return [];
  const base = `b.${sqlName(at)}`;
  const side = `s.${sqlName(time)}`;
  const until = `${base} ${bounds === 'at' ? '>=' : '>'} ${side}`;
  return windowMs === undefined ? [until] : [until, `${side} >= ${base} - INTERVAL (${Math.round(windowMs)}) MILLISECONDS`];
}

function aggregateSql({ function: name, column }: Aggregate, { time }: JoinSide, type: ColumnType): string {
  if (column === undefined) return 'count(*)::BIGINT';
  const value = `s.${sqlName(column)}`;
  const number = type === 'boolean' ? `${value}::INTEGER` : value;
  switch (name) {
    case 'count':
      return `count(${value})::BIGINT`;
    case 'count_distinct':
      return `count(DISTINCT ${value})::BIGINT`;
    case 'sum':
      return type === 'number' ? `sum(${number})` : `sum(${number})::BIGINT`;
    case 'mean':
      return `avg(${number})`;
    case 'median':
      return `median(${number})::DOUBLE`;
    case 'std':
      return `stddev_samp(${number})`;
    case 'min':
    case 'max':
      return `${name}(${value})`;
    case 'first':
    case 'last':
      return `${name}(${value} ORDER BY s.${sqlName(time ?? '')}, s.${place})`;
  }
}

function resultColumns({ taken, ...side }: JoinSide, index: number, schema: TableSchema): readonly string[] {
  const names =
    taken.kind === 'aggregate' ? taken.aggregates : taken.kind === 'latest' ? taken.columns : oneColumns({ ...side, taken }, schema);
  // Nothing to count is a count of 0, and a sum of nothing is 0; of everything else there is none.
  const zero = (name: string): boolean =>
    taken.kind === 'aggregate' &&
    taken.aggregates.some((each) => each.name === name && ['count', 'count_distinct', 'sum'].includes(each.function));
  return names.map(({ name }) =>
    zero(name) ? `coalesce(m${index}.${sqlName(name)}, 0) AS ${sqlName(name)}` : `m${index}.${sqlName(name)}`,
  );
}

/** The columns of a side that has one row for each key: those that are asked for, else all but the key. */
export function oneColumns(side: JoinSide, schema: TableSchema): readonly { readonly name: string; readonly column: string }[] {
  const asked = side.taken.kind === 'one' ? side.taken.columns : undefined;
  return asked ?? schema.filter(({ name }) => name !== side.key).map(({ name }) => ({ name, column: name }));
}

function typeIn(schema: TableSchema, column: string | undefined): ColumnType {
  return schema.find(({ name }) => name === column)?.type ?? 'number';
}
