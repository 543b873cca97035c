import { sqlName } from '#tables';
import { rowNumber } from '../masking.ts';
import type { RowsCompared } from './row-changes.ts';
import { numbersIn, position, rising, rowsAt } from './rows-at.ts';
import { alikeTerm, comparable } from './sides.ts';
import type { Sides } from './sides.ts';

/** Rows are matched by a 64-bit hash of all their values; of rows that are alike, so many are matched as both sides have. */
export async function compareWholeRows(sides: Sides, passes: readonly string[], examples: number, note: string): Promise<RowsCompared> {
  const { tables, from, to } = sides;
  const columns = comparable(sides);
  const found = { added: 0, removed: 0, unchanged: 0, addedAt: new Array<number>(), removedAt: new Array<number>() };
  const hash = columns.length === 0 ? `hash(${position})` : `hash(${columns.map(alikeTerm).join(', ')})`;
  const side = (table: 'from' | 'to'): string => `SELECT ${hash} AS h, '${table}' AS side, ${position} AS pos FROM ${sqlName(table)}`;
  for (const pass of passes) {
    const [counts] = await tables.records(`
      SELECT sum(greatest(t - f, 0))::DOUBLE AS added, sum(greatest(f - t, 0))::DOUBLE AS removed, sum(least(f, t))::DOUBLE AS unchanged,
        to_json(min(last_to, ${examples}) FILTER (WHERE t > f))::VARCHAR AS added_at,
        to_json(min(last_from, ${examples}) FILTER (WHERE f > t))::VARCHAR AS removed_at
      FROM (SELECT count(*) FILTER (WHERE side = 'from') AS f, count(*) FILTER (WHERE side = 'to') AS t,
          max(pos) FILTER (WHERE side = 'from') AS last_from, max(pos) FILTER (WHERE side = 'to') AS last_to
        FROM (${side('from')} UNION ALL ${side('to')}) WHERE h ${pass} GROUP BY h)`);
    found.added += Number(counts.added);
    found.removed += Number(counts.removed);
    found.unchanged += Number(counts.unchanged);
    found.addedAt.push(...numbersIn(counts.added_at));
    found.removedAt.push(...numbersIn(counts.removed_at));
  }
  // rows that have no column in common have nothing in common
  const nothing = columns.length === 0;
  const addedAt = rising(found.addedAt).slice(0, examples);
  const removedAt = rising(found.removedAt).slice(0, examples);
  const [before, after] = [await rowsAt(sides, 'from', removedAt), await rowsAt(sides, 'to', addedAt)];
  return {
    rowChanges: {
      matchedBy: 'row',
      note,
      added: nothing ? to.manifest.rows : found.added,
      removed: nothing ? from.manifest.rows : found.removed,
      changed: 0,
      unchanged: nothing ? 0 : found.unchanged,
      examples: {
        added: addedAt.map((at) => ({ row: rowNumber(at), cells: { ...after.shown(at) } })),
        removed: removedAt.map((at) => ({ row: rowNumber(at), cells: { ...before.shown(at) } })),
        changed: [],
      },
    },
    cells: new Map(),
  };
}
