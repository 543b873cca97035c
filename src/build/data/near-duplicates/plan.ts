import { quantilesOfSorted, sorted } from '#stats';
import type { Column, Frame } from '#tables';
import type { NearPlan } from './near-rows.ts';

/** What counts as a small difference. */
export interface Nearness {
  /** Numbers and instants: at most this share of their column's interquartile range. */
  readonly numbers: number;
  /** Texts: at least this share of the longer one's characters agrees. */
  readonly texts: number;
}

export const usualNearness: Nearness = { numbers: 0.001, texts: 0.85 };

/** Texts of so few values are categories: another category is no small difference. */
const mostCategories = 20;

/** How the columns of a table are compared. @param sample rows that show how values spread */
export function planOf(sample: Frame, names: readonly string[], { numbers, texts }: Nearness): NearPlan {
  const plan = { discrete: new Array<string>(), texts: new Array<string>(), measured: new Array<{ name: string; within: number }>() };
  for (const name of names) {
    const column = sample.column(name);
    const type = sample.typeOf(name);
    if (column.kind === 'text') {
      (new Set(column.codes).size > mostCategories ? plan.texts : plan.discrete).push(name);
      continue;
    }
    const [low, high] = type === 'boolean' ? [0, 0] : quantilesOfSorted(someRising(column.values), [0.25, 0.75]);
    const within = numbers * (high - low);
    // whole numbers are near from a difference of one on
    if (within > 0 && (type !== 'integer' || within >= 1)) plan.measured.push({ name, within });
    else plan.discrete.push(name);
  }
  return { ...plan, alike: texts };
}

/** So many rows show how often measured values are near. */
const rowsMeasured = 20_000;

/**
 * How many pairs of rows would be near by chance, were the columns independent: the pairs of rows, times the share of pairs that agree in each
 * column. A share of none is taken for less than one pair.
 */
export function expectedByChance(sample: Frame, { discrete, texts, measured }: NearPlan, rows: number): number {
  const chances = [
    ...[...discrete, ...texts].map((name) => equalPairs(sample.column(name))),
    ...measured.map(({ name, within }) => nearPairs(sample.column(name), within)),
  ];
  return chances.reduce((expected, chance) => expected * chance, pairsOf(rows));
}

const pairsOf = (rows: number): number => (rows * (rows - 1)) / 2;

/** Values of rows that are evenly far from each other. */
export function someOf(values: Float64Array): Float64Array {
  const step = Math.max(1, values.length / rowsMeasured);
  return step === 1 ? values : Float64Array.from({ length: rowsMeasured }, (_, at) => values[Math.floor(at * step)]);
}

const someRising = (values: Float64Array): Float64Array => sorted(someOf(values).filter((value) => !Number.isNaN(value)));

/** The share of pairs of rows that have the same value, or miss it both. */
function equalPairs(column: Column): number {
  const values = column.kind === 'text' ? column.codes : column.values;
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let equal = 0;
  for (const count of counts.values()) equal += pairsOf(count);
  return Math.max(equal, 0.5) / pairsOf(values.length);
}

/** The share of pairs of rows whose values differ by `within` at most, or are missing both. */
function nearPairs(column: Column, within: number): number {
  const all = column.kind === 'text' ? new Float64Array() : column.values;
  const drawn = someOf(all);
  const rising = drawn.filter((value) => !Number.isNaN(value)).sort();
  let near = pairsOf(drawn.length - rising.length);
  for (let high = 1, low = 0; high < rising.length; high++) {
    while (rising[high] - rising[low] > within) low++;
    near += high - low;
  }
  return Math.max(near, 0.5) / pairsOf(drawn.length);
}
