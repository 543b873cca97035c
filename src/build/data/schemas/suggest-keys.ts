import type { ColumnProfile, TableSchema } from '#contract';
import type { Frame } from '#tables';
import { hashIndex, hashRows } from '../quality/row-hash.ts';

/** Columns that are tried together with others, those with the most values first. */
const mostColumns = 8;
/** Of two columns of chance values, so many rows would repeat another: that none does is then no chance (e^-5). */
const leastExpected = 5;

/**
 * A pair of columns that together names a row, where no column does alone. Only pairs that would repeat themselves if their values were dealt
 * by chance are said to be keys: n²/2 pairs of rows agree with a chance of 1/(a·b) for a and b different values.
 * @param frame the rows, or a sample of them
 */
export function suggestKey(
  frame: Frame,
  profiles: readonly ColumnProfile[],
  schema: TableSchema,
  rows: number,
): { readonly key: readonly [string, string]; readonly reason: string } | undefined {
  const types = new Map(schema.columns.map(({ name, type }) => [name, type]));
  const candidates = profiles
    .filter(
      ({ name, missing, distinct }) => missing === 0 && distinct > 1 && ['string', 'integer', 'instant'].includes(types.get(name) ?? ''),
    )
    .sort((left, right) => right.distinct - left.distinct)
    .slice(0, mostColumns);
  for (const [at, first] of candidates.entries()) {
    for (const second of candidates.slice(at + 1)) {
      const pairs = first.distinct * second.distinct;
      if (pairs < rows || (rows * rows) / 2 / pairs < leastExpected) continue;
      const key = [second.name, first.name] as const;
      if (!areDifferent(frame, key)) continue;
      return {
        key,
        reason: `no two rows agree in ${key.join(' and ')}, and by chance about ${Math.round((rows * rows) / 2 / pairs)} pairs would`,
      };
    }
  }
  return undefined;
}

function areDifferent(frame: Frame, columns: readonly string[]): boolean {
  const { high, low } = hashRows(frame, columns);
  const index = hashIndex(frame.rows);
  for (let row = 0; row < frame.rows; row++) if (index.add(high[row], low[row]) < row) return false;
  return true;
}
