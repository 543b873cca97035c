import { positionColumn, sqlName } from '#tables';
import type { ColumnType, OpenTables } from '#tables';
import { sortNumbers } from '../sort-numbers.ts';
import { wholeTable } from './batches.ts';
import { always, presentSql, sqlNumeric } from './row-sql.ts';
import type { RepeatsSql } from './row-sql.ts';

/** So many values come out of the engine in one piece and are sorted; of more it counts hashes itself, on the disk where it must. */
const mostSorted = 4_000_000;
/** Integers whose span is at most so many times their number, and so many at all, are marked in a row of bits. */
const markedSpan = 16;
const mostMarked = 2 ** 29;

export interface RepeatsLook {
  /** Whether no row repeats another; to find out may take time of its own. */
  readonly areAllDifferent: () => boolean;
  /** How many rows meet each of the other conditions, where the look came by them. */
  readonly counts?: readonly number[];
}

/**
 * Looks whether rows repeat each other, several times faster than by counting the different ones. Numbers are compared themselves, others by
 * a 64-bit hash (53 bits of it where they are sorted: different hashes show different values, and equal ones show nothing yet).
 * @param among where missing values are alike: the condition of rows that are looked at @param applied how many rows count
 * @param most for the tests, which have no large tables
 */
export async function lookForRepeats(
  tables: OpenTables,
  { repeats, missing, among = always }: RepeatsSql & { readonly among?: string },
  applied: number,
  conditions: readonly string[],
  most: { readonly sorted?: number; readonly marked?: number } = {},
): Promise<RepeatsLook> {
  const [only] = repeats;
  const type = repeats.length === 1 && missing === 'left_out' ? typeOf(tables, only) : undefined;
  const having = missing === 'left_out' ? presentSql(repeats) : among;
  if (type === 'integer') {
    const column = sqlName(only);
    const [low, high] = await tables.numbers(`SELECT min(${column}), max(${column}) FROM ${wholeTable}`);
    if (high - low < Math.min(most.marked ?? mostMarked, applied * markedSpan)) {
      const [distinct] = await tables.numbers(
        `SELECT bit_count(bitstring_agg(${column}, ${low}::BIGINT, ${high}::BIGINT)) FROM ${wholeTable}`,
      );
      return { areAllDifferent: () => distinct === applied };
    }
  }
  if (applied > (most.sorted ?? mostSorted)) {
    const hashes = `SELECT ${hashSql(repeats)} AS h FROM ${wholeTable} WHERE ${having}`;
    const [several] = await tables.numbers(`SELECT count(*) FROM (SELECT h FROM (${hashes}) GROUP BY h HAVING count(*) > 1)`);
    return { areAllDifferent: () => several === 0 };
  }
  const isNumber = type !== undefined && type !== 'string';
  const value = isNumber ? sqlNumeric(only, type) : `(${hashSql(repeats)} >> 11)::DOUBLE`;
  const counts = conditions.map((condition) => `(count(*) FILTER (${condition}))::DOUBLE`);
  const [values, found] = await tables.lists(
    `SELECT coalesce(list(${value}) FILTER (${having}), [])${counts.length === 0 ? '' : `, [${counts.join(', ')}]`} FROM ${wholeTable}`,
  );
  return {
    areAllDifferent: () => {
      const rising = sortNumbers(values);
      for (let i = 1; i < rising.length; i++) if (rising[i] === rising[i - 1]) return false;
      return true;
    },
    ...(found === undefined ? {} : { counts: Array.from(found) }),
  };
}

const looks = new WeakMap<OpenTables, Map<string, Promise<boolean>>>();

/** Whether no row repeats another; what was found out of a table is remembered. @param applied how many rows count */
export function areAllDifferent(tables: OpenTables, sql: RepeatsSql & { readonly among?: string }, applied: number): Promise<boolean> {
  const known = looks.get(tables) ?? new Map<string, Promise<boolean>>();
  looks.set(tables, known);
  const name = JSON.stringify([sql, applied]);
  const found = known.get(name) ?? lookForRepeats(tables, sql, applied, []).then((look) => look.areAllDifferent());
  known.set(name, found);
  return found;
}

/** How many rows repeat an earlier one, by a 64-bit hash, and the positions of the first of them, rising. */
export async function repeatsOf(
  tables: OpenTables,
  { repeats, missing }: RepeatsSql,
  most: number,
): Promise<{ readonly count: number; readonly positions: Float64Array }> {
  const position = sqlName(positionColumn);
  const having = missing === 'left_out' ? presentSql(repeats) : always;
  const hashed = `hashed AS (SELECT ${hashSql(repeats)} AS h, ${position} AS place FROM ${wholeTable} WHERE ${having})`;
  const several = 'several AS MATERIALIZED (SELECT h, count(*) AS n, min(place) AS before FROM hashed GROUP BY h HAVING count(*) > 1)';
  const later = 'hashed JOIN several USING (h) WHERE place <> before';
  if (!Number.isFinite(most)) {
    const found = await tables.frame(`WITH ${hashed}, ${several} SELECT place FROM ${later} ORDER BY place`);
    return { count: found.rows, positions: found.numbers('place') };
  }
  const [first, counted] = await tables.lists(
    `WITH ${hashed}, ${several} SELECT coalesce((SELECT min(place, ${Math.max(1, most)})::DOUBLE[] FROM ${later}), []), [coalesce((SELECT sum(n - 1) FROM several), 0)::DOUBLE]`,
  );
  return { count: counted[0], positions: first.subarray(0, most).sort() };
}

/** A hash of 64 bits over some columns, in which missing values are alike; that of a single number is no other number's. */
export const hashSql = (columns: readonly string[]): string =>
  columns.length === 0 ? '0::UBIGINT' : `hash(${columns.map(sqlName).join(', ')})`;

function typeOf(tables: OpenTables, column: string): ColumnType | undefined {
  return tables.schemaOf(wholeTable).find(({ name }) => name === column)?.type;
}
