import type { ColumnComparison, RowChanges } from '#contract';
import { GyreError } from '#core';
import { sqlName } from '#tables';
import { rowNumber } from '../masking.ts';
import { compareByKey } from './by-key.ts';
import { position } from './rows-at.ts';
import { alikeTerm } from './sides.ts';
import type { SharedColumn, Sides } from './sides.ts';
import { compareWholeRows } from './whole-rows.ts';

/** Cells that one pass holds in memory on the side that the join is built from: a gigabyte or less. */
const usualCellsPerPass = 40_000_000;

/** What became of the cells of one column in rows of the same key. */
export type CellChanges = Required<Pick<ColumnComparison, 'changedCells' | 'examples'>>;

export interface RowsCompared {
  readonly rowChanges: RowChanges;
  /** Column → changes; empty when rows were not matched by a key. */
  readonly cells: ReadonlyMap<string, CellChanges>;
}

export interface RowMatching {
  readonly key?: readonly string[];
  /** Whether the caller named the key; one that is only known from the records gives way when it does not fit. */
  readonly isKeyAsked: boolean;
  /** How many rows of each kind are shown. */
  readonly examples: number;
  /** Cells that one pass may hold in memory; 40 million without it. */
  readonly cellsPerPass?: number;
}

/**
 * Which rows came, went and changed. By key, a row is known again and its cells are compared; without a key whole rows are matched by
 * a 64-bit hash of their values.
 * @throws GyreError INVALID_ARGUMENT when a version lacks a column of the key, FAILED_PRECONDITION when the key asked for repeats
 */
export async function compareRows(
  sides: Sides,
  { key, isKeyAsked, examples, cellsPerPass = usualCellsPerPass }: RowMatching,
): Promise<RowsCompared> {
  const passes = passesFor(sides, cellsPerPass);
  if (key === undefined) return compareWholeRows(sides, passes, examples, 'no key is known: name one to see which cells changed');
  const problem = unknownKey(sides, key) ?? (await repeatedKey(sides, keyColumns(sides, key), passes));
  if (problem === undefined) return compareByKey(sides, keyColumns(sides, key), passes, examples);
  if (isKeyAsked) throw problem;
  return compareWholeRows(sides, passes, examples, problem.message);
}

/** Conditions on a hash that cut the rows into passes. */
const passesFor = ({ from, to, shared }: Sides, cellsPerPass: number): readonly string[] => {
  const rows = Math.max(from.manifest.rows, to.manifest.rows);
  const count = Math.max(1, Math.ceil((rows * Math.max(1, shared.length)) / cellsPerPass));
  return Array.from({ length: count }, (_, i) => `% ${count} = ${i}`);
};

const keyColumns = ({ shared }: Sides, key: readonly string[]): SharedColumn[] => shared.filter(({ name }) => key.includes(name));

function unknownKey({ shared, from, to }: Sides, key: readonly string[]): GyreError | undefined {
  const unknown = key.find((column) => !shared.some(({ name }) => name === column));
  if (unknown === undefined) return undefined;
  const both = shared.map(({ name }) => name).join(', ');
  const message = `key "${unknown}" is no column of both ${from.digest.slice(0, 12)} and ${to.digest.slice(0, 12)}; both have ${both === '' ? 'none' : both}`;
  return new GyreError('INVALID_ARGUMENT', message, { key: unknown });
}

async function repeatedKey(
  { tables, from, to }: Sides,
  key: readonly SharedColumn[],
  passes: readonly string[],
): Promise<GyreError | undefined> {
  const terms = key.map(alikeTerm).join(', ');
  for (const [table, version] of [
    ['from', from],
    ['to', to],
  ] as const) {
    for (const pass of passes) {
      const [found] = await tables.records(`
        SELECT count(*)::DOUBLE AS keys, min(first)::DOUBLE AS first, arg_min(second, first)::DOUBLE AS second FROM (
          SELECT min(${position}) AS first, max(${position}) AS second FROM ${sqlName(table)}
          WHERE hash(${terms}) ${pass} GROUP BY ${terms} HAVING count(*) > 1)`);
      if (Number(found.keys) === 0) continue;
      const names = key.map(({ name }) => name).join(', ');
      const rows = `rows ${rowNumber(Number(found.first))} and ${rowNumber(Number(found.second))}`;
      const message = `key ${names} is not unique in ${version.digest.slice(0, 12)}: ${rows} have the same; name a key that is`;
      return new GyreError('FAILED_PRECONDITION', message, { key: names, version: version.digest });
    }
  }
  return undefined;
}
