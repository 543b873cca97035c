import { positionColumn, sqlName } from '#tables';
import type { Frame, OpenTables } from '#tables';
import { areAllDifferent, hashSql } from './ask-repeats.ts';
import { wholeTable } from './batches.ts';
import { countPresent, presentSql } from './row-sql.ts';

export interface Contradictions {
  /** Rows with a target. */
  readonly applied: number;
  /** Groups of rows alike in every feature that differ in the target, and the rows in them. */
  readonly torn: number;
  readonly count: number;
  /** The first rows that say otherwise than the first row of their group, which is named beside. */
  readonly rows: readonly { readonly at: number; readonly first: number }[];
  /** The targets of these rows. */
  readonly shown: Frame;
}

/** See `contradictions`, of a table that an engine holds. Rows are compared by 64-bit hashes. */
export async function askContradictions(
  tables: OpenTables,
  features: readonly string[],
  target: string,
  most: number,
): Promise<Contradictions> {
  const [position, label] = [sqlName(positionColumn), sqlName(target)];
  const has = presentSql([target]);
  const applied = await countPresent(tables, [target]);
  const areDifferent = await areAllDifferent(tables, { repeats: features, missing: 'alike', among: has }, applied);
  const hashed = `hashed AS (SELECT ${hashSql(features)} AS h, hash(${label}) AS said, ${position} AS place FROM ${wholeTable} WHERE ${has})`;
  const groups =
    'SELECT h, count(*) AS n, min(place) AS before, arg_min(said, place) AS otherwise FROM hashed GROUP BY h HAVING min(said) <> max(said)';
  const torn = `torn AS MATERIALIZED (${groups})`;
  const counted = areDifferent ? [0, 0] : await tables.numbers(`WITH ${hashed}, ${torn} SELECT count(*), coalesce(sum(n), 0) FROM torn`);
  const condition = counted[0] === 0 ? 'FALSE' : 'said <> otherwise';
  const found = await tables.frame(
    `WITH ${hashed}, ${torn} SELECT place, before FROM hashed JOIN torn USING (h) WHERE ${condition} ORDER BY place LIMIT ${most}`,
  );
  const rows = Array.from(found.numbers('place'), (at, row) => ({ at, first: found.numbers('before')[row] }));
  const places = rows.map(({ at }) => at).join(', ');
  const shown = await tables.frame(
    `SELECT ${label} FROM ${wholeTable} WHERE ${rows.length === 0 ? 'FALSE' : `${position} IN (${places}) ORDER BY ${position}`}`,
  );
  return { applied, torn: counted[0], count: counted[1], rows, shown };
}
