import type { ColumnComparison, ColumnDifference, ColumnSchema, DatasetComparison, DatasetVersion } from '#contract';
import { benjaminiHochberg } from '#stats';
import { withParquet } from '#tables';
import type { MaskedColumns } from '../masking.ts';
import { compareDistributions, comparisonAlpha } from './distributions.ts';
import type { Distribution } from './distributions.ts';
import { compareRows } from './row-changes.ts';
import type { CellChanges, RowMatching } from './row-changes.ts';
import { expectationOf, sharedColumns } from './sides.ts';
import type { Sides } from './sides.ts';

/** Beyond it, rows are compared in more passes; a version whose texts are very long may still need more and is refused then. */
const memoryLimitMib = 2048;

/** A version and the Parquet file that holds its rows. */
export interface ComparedVersion {
  readonly version: DatasetVersion;
  readonly path: string;
}

/**
 * Compares two versions: rows that came, went or changed (by key), cells, columns, what is expected of them, and columns whose values
 * changed more than chance explains (drift test per column and a chi-squared test of the share of missing values; false discoveries are
 * held at 1 % over all these tests by Benjamini and Hochberg). The rows stay in the engine.
 * @throws GyreError INVALID_ARGUMENT, FAILED_PRECONDITION for a key that does not fit, RESOURCE_EXHAUSTED
 */
export async function compareVersions(
  from: ComparedVersion,
  to: ComparedVersion,
  options: RowMatching & { readonly masked: MaskedColumns },
): Promise<DatasetComparison> {
  return withParquet(
    { from: from.path, to: to.path },
    async (tables) => {
      const sides: Sides = { tables, from: from.version, to: to.version, shared: sharedColumns(tables), masked: options.masked };
      const { rowChanges, cells } = await compareRows(sides, options);
      const distributions = await compareDistributions(sides);
      const judged = judge(distributions);
      return {
        from: from.version.digest,
        to: to.version.digest,
        rows: { from: from.version.manifest.rows, to: to.version.manifest.rows },
        sameSchema: from.version.manifest.schemaDigest === to.version.manifest.schemaDigest,
        rowChanges,
        differences: [...shapeDifferences(sides), ...judged.differences],
        columns: [...judged.columns.values()].map((each) => columnComparison(each, cells.get(each.column.name), options.masked)),
      };
    },
    { memoryLimitMib },
  );
}

type JudgedDistribution = Distribution & { readonly adjusted?: number };

/** Adjusts the p-values of all tests together, and words what is not chance. */
function judge(distributions: readonly Distribution[]): { differences: ColumnDifference[]; columns: Map<string, JudgedDistribution> } {
  const tests = distributions.flatMap(({ column: { name }, test, missingPValue }) => [
    ...(missingPValue === undefined ? [] : [{ name, change: 'missing' as const, pValue: missingPValue }]),
    ...(test === undefined ? [] : [{ name, change: 'values' as const, pValue: test.pValue }]),
  ]);
  const adjusted = benjaminiHochberg(tests.map(({ pValue }) => pValue));
  const columns = new Map<string, JudgedDistribution>(distributions.map((each) => [each.column.name, each]));
  const differences = tests.flatMap(({ name, change, pValue }, i): ColumnDifference[] => {
    const distribution = columns.get(name);
    if (distribution === undefined) return [];
    if (change === 'values') columns.set(name, { ...distribution, adjusted: adjusted[i] });
    return adjusted[i] >= comparisonAlpha ? [] : [{ column: name, change, message: changeText(name, change, distribution), pValue }];
  });
  return { differences, columns };
}

function changeText(name: string, change: 'missing' | 'values', { missing, test }: Distribution): string {
  if (change === 'missing') return `${name} is missing in ${missing.to} rows, in ${missing.from} before`;
  return `the values of ${name} changed${test === undefined ? '' : ` (${test.effect.name} ${test.effect.value.toFixed(3)})`}`;
}

function columnComparison(
  { column: { name, from, to }, test, adjusted, bins, categories, missing }: JudgedDistribution,
  cells: CellChanges | undefined,
  masked: MaskedColumns,
): ColumnComparison {
  const isMasked = masked.has(name);
  return {
    column: name,
    from,
    to,
    ...(isMasked ? { masked: true } : {}),
    missing,
    ...(cells === undefined ? {} : cells),
    ...(bins === undefined || isMasked ? {} : { bins }),
    ...(categories === undefined || isMasked ? {} : { categories }),
    ...(test === undefined
      ? {}
      : {
          test: {
            statistic: test.statistic,
            value: test.value,
            pValue: test.pValue,
            adjusted: adjusted ?? 1,
            effect: { ...test.effect },
            rows: { from: test.referenceRows, to: test.currentRows },
          },
        }),
  };
}

function shapeDifferences({ tables, shared, from, to }: Sides): ColumnDifference[] {
  const [before, after] = [tables.schemaOf('from'), tables.schemaOf('to')].map((schema) => schema.map(({ name }) => name));
  const kept = after.filter((name) => before.includes(name));
  const moved = shared.findIndex(({ name }, i) => name !== kept[i]);
  return [
    ...before
      .filter((name) => !after.includes(name))
      .map((column) => ({ column, change: 'removed' as const, message: `${column} is gone` })),
    ...after.filter((name) => !before.includes(name)).map((column) => ({ column, change: 'added' as const, message: `${column} is new` })),
    ...shared
      .filter((column) => column.from !== column.to)
      .map(({ name, from: was, to: is }) => ({ column: name, change: 'type' as const, message: `${name} was ${was}, is ${is}` })),
    ...(moved < 0
      ? []
      : [{ column: kept[moved], change: 'order' as const, message: `columns are in another order, from ${kept[moved]} on` }]),
    ...(hasExpectations(from) && hasExpectations(to) ? shared : []).flatMap(({ name }) => {
      const changes = expectationChanges(expectationOf(from, name), expectationOf(to, name));
      return changes === undefined ? [] : [{ column: name, change: 'expectation' as const, message: `${name}: ${changes}` }];
    }),
  ];
}

/** A version that was ingested without a reviewed schema has names and types alone. */
function hasExpectations({ schema }: DatasetVersion): boolean {
  return schema.columns.some((column) => Object.keys(column).length > 2);
}

/** What the reviewed schema says of a column, told apart; its name and type are spoken of elsewhere. */
function expectationChanges(from: ColumnSchema | undefined, to: ColumnSchema | undefined): string | undefined {
  if (from === undefined || to === undefined) return undefined;
  const before = new Map<string, unknown>(Object.entries(from));
  const after = new Map<string, unknown>(Object.entries(to));
  const members = [...new Set([...before.keys(), ...after.keys()])].filter((member) => member !== 'name' && member !== 'type');
  const changed = members.filter((member) => JSON.stringify(before.get(member)) !== JSON.stringify(after.get(member)));
  const said = (value: unknown): string => (value === undefined ? 'not said' : JSON.stringify(value));
  return changed.length === 0
    ? undefined
    : changed.map((member) => `${member} was ${said(before.get(member))}, is ${said(after.get(member))}`).join('; ');
}
