import { positionColumn, sqlName } from '#tables';
import type { Frame, OpenTables } from '#tables';
import { sortNumbers } from '../sort-numbers.ts';
import { wholeTable } from './batches.ts';
import { everyRow, present, sqlNumeric } from './row-sql.ts';
import type { RowSql } from './row-sql.ts';

/** What an engine says of a check. */
export interface Asked {
  readonly count: number;
  readonly applied: number;
  /** Rows that fail, in order, with `positionColumn` and the columns asked for. */
  readonly failing: Frame | undefined;
}

/** What was asked of a table is remembered: most checks apply to the rows that have a value of one column. */
const asked = new WeakMap<OpenTables, Map<string, Promise<number>>>();

/**
 * Counts the rows that fail a check and fetches the first of them.
 * @param columns to fetch beside the position @param most rows to fetch
 */
export async function askRows(tables: OpenTables, sql: RowSql, columns: readonly string[], most: number): Promise<Asked> {
  const selected = [positionColumn, ...columns].map(sqlName).join(', ');
  const limit = Number.isFinite(most) ? ` LIMIT ${most}` : '';
  if ('fails' in sql) {
    const applied = await countRows(tables, sql.applies);
    const count = sql.fails === 'FALSE' ? 0 : await countRows(tables, sql.fails, sql.from);
    // the engine keeps the order of the file
    const rows = `SELECT ${selected} FROM ${sql.from ?? wholeTable} WHERE ${sql.fails}${limit}`;
    return { count, applied, failing: count === 0 || most === 0 ? undefined : await tables.frame(rows) };
  }
  const names = sql.repeats.map(sqlName).join(', ');
  const has = present(sql.repeats);
  const applied = await countRows(tables, has);
  if (await areAllDifferent(tables, sql.repeats)) return { count: 0, applied, failing: undefined };
  const [distinct] = await tables.numbers(`SELECT count(*) FROM (SELECT DISTINCT ${names} FROM ${wholeTable} WHERE ${has})`);
  const count = applied - distinct;
  const several = `SELECT ${names} FROM ${wholeTable} WHERE ${has} GROUP BY ${names} HAVING count(*) > 1`;
  const wanted = [...new Set([positionColumn, ...columns, ...sql.repeats])].map(sqlName).join(', ');
  const numbered = `SELECT ${wanted}, row_number() OVER (PARTITION BY ${names} ORDER BY ${sqlName(positionColumn)}) AS "#nth" FROM ${wholeTable} SEMI JOIN (${several}) USING (${names})`;
  const rows = `SELECT ${selected} FROM (${numbered}) WHERE "#nth" > 1 ORDER BY ${sqlName(positionColumn)}${limit}`;
  return { count, applied, failing: count === 0 || most === 0 ? undefined : await tables.frame(rows) };
}

/**
 * Whether no row repeats another's values: several times faster than counting the different ones. Numbers are compared themselves; others
 * by 53 bits of a hash, where different hashes show different values, and equal ones show nothing yet.
 */
async function areAllDifferent(tables: OpenTables, columns: readonly string[]): Promise<boolean> {
  const [only] = columns;
  const type = columns.length > 1 ? 'string' : tables.schemaOf(wholeTable).find(({ name }) => name === only)?.type;
  const value = type === 'string' ? `(hash(${columns.map(sqlName).join(', ')}) >> 11)::DOUBLE` : sqlNumeric(only, type);
  const [values] = await tables.numbersOf([`CASE WHEN ${present(columns)} THEN ${value} END`], wholeTable);
  const rising = sortNumbers(values);
  for (let i = 1; i < rising.length; i++) if (rising[i] === rising[i - 1]) return false;
  return true;
}

function countRows(tables: OpenTables, condition: string, from = wholeTable): Promise<number> {
  const known = asked.get(tables) ?? new Map<string, Promise<number>>();
  asked.set(tables, known);
  const key = `${from} ${condition}`;
  const found = known.get(key);
  if (found) return found;
  // what has a value is what does not lack one: lacking ones are often none, which the file's statistics tell
  const [, column] = /^("(?:[^"]|"")*") IS NOT NULL$/.exec(condition) ?? [];
  const count =
    column === undefined
      ? tables.numbers(`SELECT count(*) FROM ${from}${condition === everyRow ? '' : ` WHERE ${condition}`}`).then(([rows]) => rows)
      : Promise.all([countRows(tables, everyRow), countRows(tables, `${column} IS NULL`)]).then(([all, missing]) => all - missing);
  known.set(key, count);
  return count;
}
