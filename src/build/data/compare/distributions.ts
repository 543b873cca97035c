import type { ColumnComparison } from '#contract';
import { chiSquaredTest, driftTest, ksTwoSample, sorted, standardDeviation, wassersteinDistance } from '#stats';
import type { DriftResult } from '#stats';
import { sqlName, positionColumn } from '#tables';
import type { Frame } from '#tables';
import { alikeTerm, comparable } from './sides.ts';
import type { SharedColumn, Sides } from './sides.ts';

export const comparisonAlpha = 0.01;

const bins = 20;
const topCategories = 20;
/** A test sees at most so many different texts by name; the rarer ones together are one more. */
const mostCategories = 10_000;
/** A text column with more distinct values than this in relation to its rows is a key or free text: its values are not compared. */
const mostDistinctShare = 0.5;
/** Rows of a version that tests on numbers look at; of more, a sample that depends on the rows' positions alone. */
const mostTested = 100_000;

/** The values of one column on both sides: counts over the same bins or categories, and how likely chance explains the difference. */
export interface Distribution extends Pick<ColumnComparison, 'missing' | 'bins' | 'categories'> {
  readonly column: SharedColumn;
  readonly test?: Tested;
  /** Chance of a difference in the share of missing values at least this great, where either side misses any. */
  readonly missingPValue?: number;
}

type Tested = Pick<DriftResult, 'statistic' | 'value' | 'pValue' | 'effect' | 'referenceRows' | 'currentRows'>;

interface Span {
  readonly present: number;
  readonly low: number;
  readonly high: number;
  readonly distinct: number;
}

/** Compares the values of each column that both versions have. Rows stay in the engine; what is tested in memory is a bounded sample. */
export async function compareDistributions(sides: Sides): Promise<Distribution[]> {
  const columns = sides.shared;
  if (columns.length === 0) return [];
  const alike = comparable(sides);
  const spans = { from: await spansOf(sides, 'from', columns, alike), to: await spansOf(sides, 'to', columns, alike) };
  const numeric = alike.filter(isMeasured);
  const samples = { from: await sampleOf(sides, 'from', numeric), to: await sampleOf(sides, 'to', numeric) };
  const compared: Distribution[] = [];
  for (const [i, column] of columns.entries()) {
    const [from, to] = [spans.from[i], spans.to[i]];
    const missing = { from: sides.from.manifest.rows - from.present, to: sides.to.manifest.rows - to.present };
    const gone =
      missing.from + missing.to > 0 ? { missingPValue: chiSquaredTest([missing.from, from.present], [missing.to, to.present]).pValue } : {};
    const values = !alike.includes(column)
      ? {}
      : isMeasured(column)
        ? await measured(sides, column, from, to, samples)
        : await named(sides, column, from, to);
    compared.push({ column, missing, ...gone, ...values });
  }
  return compared;
}

/** Numbers and instants lie on a line; texts and booleans are names. */
const isMeasured = ({ from }: SharedColumn): boolean => from !== 'string' && from !== 'boolean';

async function spansOf(
  { tables }: Sides,
  table: 'from' | 'to',
  columns: readonly SharedColumn[],
  alike: readonly SharedColumn[],
): Promise<Span[]> {
  const figures = columns.map((column, i) => {
    const name = sqlName(column.name);
    const span = `min(${lineTerm(column)})::DOUBLE AS low${i}, max(${lineTerm(column)})::DOUBLE AS high${i}`;
    const present = `count(${name})::DOUBLE AS present${i}`;
    if (!alike.includes(column)) return present;
    return `${present}, ${isMeasured(column) ? span : `approx_count_distinct(${name})::DOUBLE AS distinct${i}`}`;
  });
  const [found] = await tables.records(`SELECT ${figures.join(', ')} FROM ${sqlName(table)}`);
  return columns.map((_, i) => ({
    present: Number(found[`present${i}`]),
    low: Number(found[`low${i}`] ?? Infinity),
    high: Number(found[`high${i}`] ?? -Infinity),
    distinct: Number(found[`distinct${i}`] ?? 0),
  }));
}

/** A value as a number: instants in UTC milliseconds. */
function lineTerm(column: SharedColumn): string {
  return column.from === 'instant' ? `epoch_ms(${sqlName(column.name)})` : `${sqlName(column.name)}::DOUBLE`;
}

async function sampleOf(sides: Sides, table: 'from' | 'to', columns: readonly SharedColumn[]): Promise<Frame | undefined> {
  if (columns.length === 0) return undefined;
  const { rows } = sides[table].manifest;
  const share = Math.ceil((mostTested / rows) * 1_000_000);
  const sampled = rows <= mostTested ? '' : ` WHERE hash(${sqlName(positionColumn)}) % 1000000 < ${share}`;
  const terms = columns.map((column) => `${lineTerm(column)}::DOUBLE AS ${sqlName(column.name)}`);
  return sides.tables.frame(`SELECT ${terms.join(', ')} FROM ${sqlName(table)}${sampled}`);
}

type Values = Pick<Distribution, 'bins' | 'categories' | 'test'>;

async function measured(
  { tables }: Sides,
  column: SharedColumn,
  from: Span,
  to: Span,
  samples: { readonly from: Frame | undefined; readonly to: Frame | undefined },
): Promise<Values> {
  const [low, high] = [Math.min(from.low, to.low), Math.max(from.high, to.high)];
  if (low > high) return {};
  // halves, because the span of the greatest numbers is no number
  const width = (high / 2 - low / 2) / bins;
  const term = lineTerm(column);
  const bin = width > 0 ? `least(${bins - 1}, floor((${term} / 2 - ${low / 2}::DOUBLE) / ${width}::DOUBLE))` : '0';
  const side = (table: 'from' | 'to'): string =>
    `SELECT ${bin}::DOUBLE AS bin, '${table}' AS side FROM ${sqlName(table)} WHERE ${sqlName(column.name)} IS NOT NULL`;
  const counted = await tables.records(`
    SELECT bin, count(*) FILTER (WHERE side = 'from')::DOUBLE AS f, count(*) FILTER (WHERE side = 'to')::DOUBLE AS t
    FROM (${side('from')} UNION ALL ${side('to')}) GROUP BY bin`);
  const counts = new Map(counted.map((row) => [Number(row.bin), { from: Number(row.f), to: Number(row.t) }]));
  const edge = (i: number): number => (i === bins ? high : (low / 2 + width * i) * 2);
  const made = Array.from({ length: width > 0 ? bins : 1 }, (_, i) => ({
    low: edge(i),
    high: width > 0 ? edge(i + 1) : high,
    ...(counts.get(i) ?? { from: 0, to: 0 }),
  }));
  const test = testNumbers(samples.from?.numbers(column.name) ?? none, samples.to?.numbers(column.name) ?? none);
  return { bins: made, ...(test === undefined ? {} : { test }) };
}

const none = new Float64Array();

/** Two-sided Kolmogorov-Smirnov; the effect is the Wasserstein distance in standard deviations of the earlier version, as in `driftTest`. */
function testNumbers(reference: Float64Array, current: Float64Array): Tested | undefined {
  const [a, b] = [sorted(reference), sorted(current)];
  if (a.length === 0 || b.length === 0) return undefined;
  const { statistic: value, pValue } = ksTwoSample(a, b);
  const deviation = standardDeviation(a);
  const effect = { name: 'wasserstein', value: wassersteinDistance(a, b) / (deviation > 0 ? deviation : 1) } as const;
  return { statistic: 'ks', value, pValue, effect, referenceRows: a.length, currentRows: b.length };
}

async function named({ tables }: Sides, column: SharedColumn, from: Span, to: Span): Promise<Values> {
  const isFreeText = (span: Span): boolean => span.distinct > 20 && span.distinct > mostDistinctShare * span.present;
  if (from.present + to.present === 0 || isFreeText(from) || isFreeText(to)) return {};
  const side = (table: 'from' | 'to'): string =>
    `SELECT ${alikeTerm(column)}::VARCHAR AS value, '${table}' AS side FROM ${sqlName(table)} WHERE ${sqlName(column.name)} IS NOT NULL`;
  const found = await tables.records(`
    SELECT value, f::DOUBLE AS f, t::DOUBLE AS t, (count(*) OVER ())::DOUBLE AS distinct_values FROM (
      SELECT value, count(*) FILTER (WHERE side = 'from') AS f, count(*) FILTER (WHERE side = 'to') AS t
      FROM (${side('from')} UNION ALL ${side('to')}) GROUP BY value)
    ORDER BY f + t DESC, value LIMIT ${mostCategories}`);
  const counts = found.map((row) => ({ value: String(row.value), from: Number(row.f), to: Number(row.t) }));
  const rest = restOf(counts, from, to);
  const shown = counts.slice(0, topCategories);
  const values = Number(found[0]?.distinct_values ?? 0) - shown.length;
  const categories = { top: shown, others: { values, ...restOf(shown, from, to) } };
  if (from.present === 0 || to.present === 0) return { categories };
  // the unnamed rest stands under a name that no value of the column has
  const others = (count: number): [string, number][] => (rest.from + rest.to > 0 ? [['\u0000others', count]] : []);
  const test = driftTest(
    { kind: 'categorical', counts: new Map([...counts.map((each): [string, number] => [each.value, each.from]), ...others(rest.from)]) },
    { kind: 'categorical', counts: new Map([...counts.map((each): [string, number] => [each.value, each.to]), ...others(rest.to)]) },
    { alpha: comparisonAlpha },
  );
  return { categories, test };
}

function restOf(counts: readonly { readonly from: number; readonly to: number }[], from: Span, to: Span): { from: number; to: number } {
  return counts.reduce((rest, each) => ({ from: rest.from - each.from, to: rest.to - each.to }), { from: from.present, to: to.present });
}
