import { stat } from 'node:fs/promises';
import type { DatasetVersion } from '#contract';
import { GyreError, asSha256 } from '#core';
import { parseInstant, positionColumn, sqlName, sqlText, toRecords, withParquet } from '#tables';
import type { ColumnType, OpenTables, TableRecord, TableSchema } from '#tables';
import type { RowOperand } from '#project';
import { shownColumn } from './masking.ts';
import type { MaskedColumns } from './masking.ts';
import type { DataDeps } from './port.ts';
import { parseRule } from './rules.ts';

export interface RowsQuery {
  readonly offset?: number;
  /** 50 without it. */
  readonly limit?: number;
  /** Only these columns, in this order. */
  readonly columns?: readonly string[];
  /** Rows for which comparisons hold, as `where` in gyre.yaml; several are joined by `and`: `tenure > 0 and Contract = 'One year'`. */
  readonly where?: string;
  /** A column, with a minus before it for falling order; missing values come last. Rows that are equal keep their order. */
  readonly sort?: string;
  readonly masked?: MaskedColumns;
}

export interface RowsPage {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType; readonly masked?: true }[];
  readonly rows: readonly TableRecord[];
  readonly offset: number;
  /** Rows that meet the conditions. */
  readonly total: number;
}

const pageMemoryMib = 512;

/**
 * Rows of a version as they are asked for: of a file of a million rows no more is read than the page needs.
 * @throws GyreError INVALID_ARGUMENT for an unknown column or a condition that cannot be read, PERMISSION_DENIED when a masked column is
 * sorted or selected by
 */
export async function rowsPage(deps: DataDeps, version: DatasetVersion, query: RowsQuery): Promise<RowsPage> {
  const { offset = 0, limit = 50, masked = new Set() } = query;
  const path = await checkedPath(deps, version);
  return withParquet(
    { rows: path },
    async (tables) => {
      const all = tables.schemaOf('rows');
      const columns = query.columns === undefined ? all : query.columns.map((name) => columnOf(all, name));
      const where = comparisonsIn(query.where ?? '').map((text) => conditionSql(text, all, masked));
      const condition = where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`;
      const total = where.length === 0 ? version.manifest.rows : await counted(tables, condition);
      const order = query.sort === undefined ? undefined : orderSql(query.sort, all, masked);
      const shown = columns.map((column) => shownColumn(column, masked)).join(', ');
      // without conditions a row's position finds it: whole row groups before it are passed over
      const page =
        where.length === 0 && order === undefined
          ? ` WHERE ${position} >= ${offset} AND ${position} < ${offset + limit} ORDER BY ${position}`
          : `${condition} ORDER BY ${order === undefined ? '' : `${order}, `}${position} LIMIT ${limit} OFFSET ${offset}`;
      const frame = await tables.frame(`SELECT ${shown} FROM rows${page}`);
      return {
        columns: columns.map(({ name, type }) => ({ name, type, ...(masked.has(name) ? { masked: true as const } : {}) })),
        rows: toRecords(frame),
        offset,
        total,
      };
    },
    { memoryLimitMib: pageMemoryMib },
  );
}

/** What was found right before, by path: digests of large files take time, and pages are asked for one after the other. */
const checked = new WeakMap<DataDeps, Map<string, string>>();

/** The rows' file, its digest checked the first time and whenever the file is another one than it was then. @throws GyreError DATA_LOSS */
async function checkedPath(deps: DataDeps, { rowsDigest }: DatasetVersion): Promise<string> {
  const digest = asSha256(rowsDigest);
  const known = checked.get(deps) ?? new Map<string, string>();
  checked.set(deps, known);
  const path = await deps.blobs.localPath(digest);
  const state = await stateOf(path);
  if (known.get(path) === state) return path;
  await deps.blobs.localPath(digest, { verify: true });
  known.set(path, state);
  return path;
}

async function stateOf(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}

/** The comparisons of a condition; an `and` in quotes joins nothing. */
function comparisonsIn(where: string): string[] {
  const quoted: string[] = [];
  const bare = where.replaceAll(/'[^']*'|"[^"]*"/g, (text) => `\uE000${quoted.push(text) - 1}\uE000`);
  return bare
    .split(/\s+and\s+/i)
    .filter((part) => part.trim() !== '')
    .map((part) => part.replaceAll(/\uE000(\d+)\uE000/g, (_, i: string) => quoted[Number(i)]));
}

const position = sqlName(positionColumn);

async function counted(tables: OpenTables, condition: string): Promise<number> {
  const [{ rows }] = await tables.records(`SELECT count(*)::DOUBLE AS rows FROM rows${condition}`);
  return Number(rows);
}

function columnOf(schema: TableSchema, name: string): TableSchema[number] {
  const found = schema.find((column) => column.name === name);
  if (found) return found;
  const names = schema.map((column) => column.name);
  throw new GyreError('INVALID_ARGUMENT', `no column "${name}"; the columns are ${names.join(', ')}`, { column: name, columns: names });
}

function orderSql(sort: string, schema: TableSchema, masked: MaskedColumns): string {
  const isFalling = sort.startsWith('-') && !schema.some(({ name }) => name === sort);
  const { name } = columnOf(schema, isFalling ? sort.slice(1) : sort);
  refuseMasked(name, masked, 'sorted by');
  return `${sqlName(name)} ${isFalling ? 'DESC' : 'ASC'} NULLS LAST`;
}

function refuseMasked(column: string, masked: MaskedColumns, what: string): void {
  if (!masked.has(column)) return;
  throw new GyreError('PERMISSION_DENIED', `column "${column}" is personal and masked for you: it cannot be ${what}`, { column });
}

/** `TotalCharges is missing`, `"my column" is not missing`. */
const missingQuestion = /^\s*(?:"([^"]+)"|([\p{L}_][\p{L}\p{N}_]*))\s+is\s+(not\s+)?missing\s*$/iu;

/** A comparison of the rule language (`parseRule`) as SQL; a row that misses a value that it needs does not meet it. */
function conditionSql(text: string, schema: TableSchema, masked: MaskedColumns): string {
  const names = schema.map(({ name }) => name);
  const missing = missingQuestion.exec(text);
  // A masked value shows whether it is missing, so that it may be asked for as well.
  if (missing !== null)
    return `${sqlName(columnOf(schema, missing[1] ?? missing[2]).name)} IS${missing[3] === undefined ? '' : ' NOT'} NULL`;
  const typeOf = (name: string): ColumnType => columnOf(schema, name).type;
  const { condition, columns } = parseRule(text, { names, has: (name) => names.includes(name), typeOf });
  for (const column of columns) refuseMasked(column, masked, 'selected by');
  const isInstant = typeOf(condition.left.column) === 'instant';
  return `${operandSql(condition.left, typeOf, isInstant)} ${condition.operator} ${operandSql(condition.right, typeOf, isInstant)}`;
}

function operandSql(side: RowOperand, typeOf: (name: string) => ColumnType, isInstant: boolean): string {
  if ('value' in side) {
    if (typeof side.value === 'number') return `${side.value}::DOUBLE`;
    const instant = isInstant ? parseInstant(side.value) : undefined;
    return instant === undefined ? sqlText(side.value) : `${instant}::DOUBLE`;
  }
  const name = sqlName(side.column);
  switch (typeOf(side.column)) {
    case 'string':
      return name;
    case 'instant':
      return `epoch_ms(${name})::DOUBLE`;
    case 'boolean':
      return `${name}::TINYINT::DOUBLE`;
    case 'integer':
    case 'number':
      return `${name}::DOUBLE`;
  }
}
