import { sqlName } from '#tables';
import { rowNumber } from '../masking.ts';
import type { RowsCompared } from './row-changes.ts';
import { byRow, numbersIn, pairsIn, position, rising, rowsAt } from './rows-at.ts';
import type { Pair } from './rows-at.ts';
import { alikeTerm, comparable } from './sides.ts';
import type { SharedColumn, Sides } from './sides.ts';

const cellExamples = 3;

/** Rows of the same key are one row. @param key columns that name one row on each side @param passes conditions that cut the hashes of keys into passes */
export async function compareByKey(
  sides: Sides,
  key: readonly SharedColumn[],
  passes: readonly string[],
  examples: number,
): Promise<RowsCompared> {
  const { tables } = sides;
  const compared = comparable(sides).filter(({ name }) => !key.some((column) => column.name === name));
  const found = {
    added: 0,
    removed: 0,
    changed: 0,
    kept: 0,
    addedAt: new Array<number>(),
    removedAt: new Array<number>(),
    changedAt: new Array<Pair>(),
  };
  const cells = compared.map(() => ({ count: 0, at: new Array<Pair>() }));
  for (const pass of passes) {
    const [counts] = await tables.records(keyedChanges(key, compared, pass, examples));
    found.added += Number(counts.added);
    found.removed += Number(counts.removed);
    found.changed += Number(counts.changed);
    found.kept += Number(counts.kept);
    found.addedAt.push(...numbersIn(counts.added_at));
    found.removedAt.push(...numbersIn(counts.removed_at));
    found.changedAt.push(...pairsIn(counts.changed_at));
    cells.forEach((cell, i) => {
      cell.count += Number(counts[`n${i}`]);
      cell.at.push(...pairsIn(counts[`at${i}`]));
    });
  }
  const addedAt = rising(found.addedAt).slice(0, examples);
  const removedAt = rising(found.removedAt).slice(0, examples);
  const changedAt = byRow(found.changedAt).slice(0, examples);
  const cellsAt = cells.map(({ at }) => byRow(at).slice(0, cellExamples));
  const pairs = [...changedAt, ...cellsAt.flat()];
  const before = await rowsAt(sides, 'from', [...removedAt, ...pairs.map((pair) => pair.from)]);
  const after = await rowsAt(sides, 'to', [...addedAt, ...pairs.map((pair) => pair.to)]);
  const names = key.map(({ name }) => name);
  return {
    rowChanges: {
      matchedBy: 'key',
      key: names,
      added: found.added,
      removed: found.removed,
      changed: found.changed,
      unchanged: found.kept - found.changed,
      examples: {
        added: addedAt.map((at) => ({ row: rowNumber(at), cells: { ...after.shown(at) } })),
        removed: removedAt.map((at) => ({ row: rowNumber(at), cells: { ...before.shown(at) } })),
        changed: changedAt.map((pair) => ({
          key: Object.fromEntries(names.map((name) => [name, after.shown(pair.to)[name]])),
          from: rowNumber(pair.from),
          to: rowNumber(pair.to),
          cells: compared
            .filter(({ name }) => before.marks(pair.from)[name] !== after.marks(pair.to)[name])
            .map(({ name }) => ({ column: name, from: before.shown(pair.from)[name], to: after.shown(pair.to)[name] })),
        })),
      },
    },
    cells: new Map(
      compared.map(({ name }, i) => [
        name,
        {
          changedCells: cells[i].count,
          examples: cellsAt[i].map((pair) => ({
            row: rowNumber(pair.to),
            from: before.shown(pair.from)[name],
            to: after.shown(pair.to)[name],
          })),
        },
      ]),
    ),
  };
}

/** One statement that counts and finds what changed in one pass. */
function keyedChanges(key: readonly SharedColumn[], compared: readonly SharedColumn[], pass: string, examples: number): string {
  const keyTerms = key.map(alikeTerm);
  const side = (table: 'from' | 'to'): string => {
    const columns = [
      ...keyTerms.map((term, i) => `${term} AS k${i}`),
      ...compared.map((column, i) => `${alikeTerm(column)} AS c${i}`),
      `${position} AS pos`,
    ];
    return `(SELECT ${columns.join(', ')} FROM ${sqlName(table)} WHERE hash(${keyTerms.join(', ')}) ${pass})`;
  };
  const differs = compared.map((_, i) => `f.pos IS NOT NULL AND t.pos IS NOT NULL AND f.c${i} IS DISTINCT FROM t.c${i} AS d${i}`);
  const any = compared.length === 0 ? 'false' : compared.map((_, i) => `d${i}`).join(' OR ');
  const pairs = (count: number, where: string): string =>
    `to_json(arg_min({'from': f, 'to': t}, t, ${count}) FILTER (WHERE ${where}))::VARCHAR`;
  const figures = [
    'count(*) FILTER (WHERE f IS NULL)::DOUBLE AS added',
    'count(*) FILTER (WHERE t IS NULL)::DOUBLE AS removed',
    'count(*) FILTER (WHERE f IS NOT NULL AND t IS NOT NULL)::DOUBLE AS kept',
    `count(*) FILTER (WHERE ${any})::DOUBLE AS changed`,
    `to_json(min(t, ${examples}) FILTER (WHERE f IS NULL))::VARCHAR AS added_at`,
    `to_json(min(f, ${examples}) FILTER (WHERE t IS NULL))::VARCHAR AS removed_at`,
    `${pairs(examples, any)} AS changed_at`,
    ...compared.map((_, i) => `count(*) FILTER (WHERE d${i})::DOUBLE AS n${i}, ${pairs(cellExamples, `d${i}`)} AS at${i}`),
  ];
  const on = keyTerms.map((_, i) => `f.k${i} IS NOT DISTINCT FROM t.k${i}`).join(' AND ');
  return `SELECT ${figures.join(', ')} FROM (
    SELECT ${['f.pos AS f', 't.pos AS t', ...differs].join(', ')} FROM ${side('from')} f FULL OUTER JOIN ${side('to')} t ON ${on})`;
}
