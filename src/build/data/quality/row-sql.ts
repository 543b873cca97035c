import { isoInstant } from '#core';
import { parseInstant, positionColumn, sqlName, sqlText } from '#tables';
import type { ColumnType, OpenTables } from '#tables';
import type { Rule } from '../rules.ts';
import { wholeTable } from './batches.ts';

/** A check in the engine's SQL, saying of every row what the check itself says. */
export type RowSql = ConditionSql | MissingSql | RepeatsSql;

export interface ConditionSql {
  /** The condition of rows that fail; not met where it is NULL. */
  readonly fails: string;
  /** The check applies to rows that have a value in each of these columns. */
  readonly present: readonly string[];
  /** And meet this condition. */
  readonly when?: string;
  /** Where the rows come from with what the condition needs; the table itself without it. */
  readonly from?: string;
  /** The columns of a condition that no statistics of the file answer: such conditions of the same columns are asked in one scan. */
  readonly scans?: readonly string[];
}

/** Rows fail that miss this column. */
export interface MissingSql {
  readonly misses: string;
}

/** Rows fail that repeat an earlier one in these columns. */
export interface RepeatsSql {
  readonly repeats: readonly string[];
  /** Rows that miss one of the columns do not count, or missing values are alike. */
  readonly missing: 'left_out' | 'alike';
}

/** The condition that no row meets, and the one that each does. */
export const never = 'FALSE';
export const always = 'TRUE';

/** The condition of rows that have a value in each of these columns. */
export const presentSql = (columns: readonly string[]): string =>
  columns.length === 0 ? always : columns.map((name) => `${sqlName(name)} IS NOT NULL`).join(' AND ');

const counted = new WeakMap<OpenTables, Map<string, Promise<number>>>();

/** How many rows have a value in each of these columns (and meet a condition); what was counted in a table is remembered. */
export async function countPresent(tables: OpenTables, columns: readonly string[], when?: string): Promise<number> {
  const { rows, missing } = await tables.counts(wholeTable);
  const lacking = columns.filter((name) => missing.get(name) !== 0);
  if (when === undefined && lacking.length < 2) return rows - (missing.get(lacking[0]) ?? 0);
  const condition = [...(when === undefined ? [] : [`(${when})`]), presentSql(lacking)].join(' AND ');
  const known = counted.get(tables) ?? new Map<string, Promise<number>>();
  counted.set(tables, known);
  const count = known.get(condition) ?? tables.numbers(`SELECT count(*) FROM ${wholeTable} WHERE ${condition}`).then(([found]) => found);
  known.set(condition, count);
  return count;
}

/** A number for a column of this type: written so that no column is cast and the file's statistics can be used. */
function sqlNumber(value: number, type: ColumnType): string {
  return type !== 'number' && Number.isSafeInteger(value) ? String(value) : `'${value}'::DOUBLE`;
}

/** A column of numbers, truths or instants as the DOUBLE that frames have for it. */
export function sqlNumeric(name: string, type: ColumnType | undefined): string {
  const column = sqlName(name);
  return `(${type === 'instant' ? `epoch_ms(${column})` : type === 'boolean' ? `${column}::TINYINT` : column})::DOUBLE`;
}

/** Undefined where the engine's calendar and ours may differ. */
function sqlInstant(value: number): string | undefined {
  const text = isoInstant(value);
  return /^\d{4}-/.test(text) ? `'${text.slice(0, -1)}'::TIMESTAMP_MS` : undefined;
}

/** A text that SQL and the file can hold: no lone surrogate, no NUL. */
const isPlain = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/** @param low, high plus or minus infinity where there is no limit */
export function rangeSql(name: string, type: ColumnType, low: number, high: number): RowSql | undefined {
  const bound = (value: number): string | undefined => (type === 'instant' ? sqlInstant(value) : sqlNumber(value, type));
  const sides: string[] = [];
  for (const [operator, value] of [['<', low] as const, ['>', high] as const]) {
    if (!Number.isFinite(value)) continue;
    const text = bound(value);
    if (text === undefined) return undefined;
    sides.push(`${sqlName(name)} ${operator} ${text}`);
  }
  return { fails: sides.length === 0 ? never : sides.join(' OR '), present: [name] };
}

export function categoriesSql(name: string, categories: readonly string[]): RowSql | undefined {
  if (categories.length === 0 || !categories.every(isPlain)) return undefined;
  return { fails: `${sqlName(name)} NOT IN (${categories.map(sqlText).join(', ')})`, present: [name] };
}

/** Letters, digits, plain signs, classes of them, groups, choices and counts: all that means the same in JavaScript and in RE2. */
const plainPattern =
  /^(?:[A-Za-z0-9 _:;,@#%&=~<>'"!-]|\\[d.\-+*?()[\]{}|/\\^$]|\[(?:[A-Za-z0-9 _]|[A-Za-z0-9]-[A-Za-z0-9])+\]|\((?:\?:)?|\)(?!\{)|\||[?+*]|\{\d{1,3}(?:,\d{0,3})?\})*$/;

/** Undefined for a pattern that the two engines may read in different ways. @param pattern that the whole value must match */
export function patternSql(name: string, pattern: string): RowSql | undefined {
  if (!plainPattern.test(pattern)) return undefined;
  const [column, glob] = [sqlName(name), globOf(pattern)];
  const matches = glob === undefined ? `regexp_full_match(${column}, ${sqlText(pattern)})` : `${column} GLOB ${sqlText(glob)}`;
  return { fails: `NOT (${matches})`, present: [name], scans: [name] };
}

/** One sign of a text: an ordinary one, an escaped one, or one of a class; with how often it stands there. */
const signOfPattern = /([A-Za-z0-9 _:;,@#%&=~<>'"!-]|\\[d.\-+(){}|/^$]|\[(?:[A-Za-z0-9 _]|[A-Za-z0-9]-[A-Za-z0-9])+\])(?:\{(\d{1,2})\})?/y;

/** A plain pattern of signs alone, none of them optional, as a GLOB: the engine matches it in half the time. Undefined for any other. */
export function globOf(pattern: string): string | undefined {
  const sign = new RegExp(signOfPattern);
  let glob = '';
  while (sign.lastIndex < pattern.length) {
    const [, one, times = '1'] = sign.exec(pattern) ?? [];
    if (one === undefined) return undefined;
    glob += (one === '\\d' ? '[0-9]' : one.replace('\\', '')).repeat(Number(times));
  }
  return glob;
}

/** Lengths in code points. */
export function lengthSql(name: string, least: number, most: number): RowSql {
  const upper = Number.isFinite(most) ? ` OR length(${sqlName(name)}) > ${most}` : '';
  return { fails: `length(${sqlName(name)}) < ${least}${upper}`, present: [name], scans: [name] };
}

/** @param when the condition of rows that the rule is for @param typeOf of the columns */
export function ruleSql(rule: Rule, when: Rule | undefined, typeOf: (column: string) => ColumnType): RowSql | undefined {
  const holds = comparisonSql(rule, typeOf);
  const condition = when === undefined ? always : comparisonSql(when, typeOf);
  if (holds === undefined || condition === undefined) return undefined;
  const { columns } = rule;
  const scans = [...new Set([...columns, ...(when?.columns ?? [])])];
  if (when === undefined) return { fails: `NOT (${holds})`, present: columns, scans };
  return { fails: `${condition} AND NOT (${holds})`, present: columns, when: condition, scans };
}

function comparisonSql({ condition: { left, operator, right } }: Rule, typeOf: (column: string) => ColumnType): string | undefined {
  const type = typeOf(left.column);
  const column = (name: string): string => (typeOf(name) === 'boolean' ? `${sqlName(name)}::TINYINT` : sqlName(name));
  const other = 'column' in right ? column(right.column) : constantSql(right.value, type);
  return other === undefined ? undefined : `${column(left.column)} ${operator === '!=' ? '<>' : operator} ${other}`;
}

function constantSql(value: number | string, type: ColumnType): string | undefined {
  if (typeof value === 'number') return type === 'string' || type === 'instant' ? undefined : sqlNumber(value, type);
  if (type === 'string') return isPlain(value) ? sqlText(value) : undefined;
  const instant = type === 'instant' ? parseInstant(value) : undefined;
  return instant === undefined ? undefined : sqlInstant(instant);
}

const orderOperators = { rising: '<', strictly_rising: '<=', falling: '>' } as const;

/** Undefined for texts, whose order is another in the engine. */
export function orderSql(name: string, type: ColumnType, order: keyof typeof orderOperators): RowSql | undefined {
  if (type === 'string') return undefined;
  const column = sqlName(name);
  // the window without an order keeps that of the file
  const from = `(SELECT ${sqlName(positionColumn)}, ${column}, lag(${column}) OVER () AS "#before" FROM ${wholeTable} WHERE ${presentSql([name])})`;
  return { fails: `${column} ${orderOperators[order]} "#before"`, present: [name], from };
}
