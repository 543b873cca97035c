import type { GroupFigures } from './table-port.ts';
import type { ValueRow } from './table-store.ts';

/*
 * Runs by a value that they have, with figures of each group. Pure. Groups and figures are kept by a run's position in plain columns: maps of a
 * hundred thousand runs would cost more than reading them.
 */

export interface Groups {
  /** The groups' values, the largest group first; null: without one. */
  readonly values: readonly (string | null)[];
  /** How many runs each has. */
  readonly sizes: readonly number[];
  /** The group of a run by its position; -1 for others. */
  readonly of: Int32Array;
}

/** @param runs positions @param rows the value of those that have one, others' too @param most groups that are told apart */
export function groupsOf(runs: readonly number[], rows: readonly ValueRow[], most: number): Groups {
  const length = runs.reduce((greatest, run) => Math.max(greatest, run), 0) + 1;
  const numbers = new Map<string | null, number>([[null, 0]]);
  const of = new Int32Array(length).fill(-1);
  for (const run of runs) of[run] = 0;
  for (const [run, value] of rows) {
    const at = Number(run);
    if (at >= length || of[at] < 0) continue;
    const text = String(value);
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    of[at] = number;
  }
  const sizes = new Int32Array(numbers.size);
  for (const run of runs) sizes[of[run]] += 1;
  const values = [...numbers.keys()];
  // Groups of one size stand in the order of their first runs.
  const first = new Int32Array(numbers.size).fill(-1);
  runs.forEach((run, at) => {
    if (first[of[run]] < 0) first[of[run]] = at;
  });
  const order = values
    .map((_, number) => number)
    .filter((number) => sizes[number] > 0)
    .sort((a, b) => sizes[b] - sizes[a] || first[a] - first[b])
    .slice(0, most);
  const place = new Int32Array(numbers.size).fill(-1);
  order.forEach((number, at) => {
    place[number] = at;
  });
  for (const run of runs) of[run] = place[of[run]];
  return { values: order.map((number) => values[number]), sizes: order.map((number) => sizes[number]), of };
}

/** Figures of the finite numbers of each group; null where it has none. */
export function figuresOf({ values, of }: Groups, rows: readonly ValueRow[]): readonly (GroupFigures | null)[] {
  const column = (): Float64Array => new Float64Array(values.length);
  const [count, sum, min, max] = [column(), column(), column().fill(Infinity), column().fill(-Infinity)];
  for (const [run, cell] of rows) {
    const group = of[Number(run)] ?? -1;
    const value = Number(cell);
    if (group < 0 || !Number.isFinite(value)) continue;
    count[group] += 1;
    sum[group] += value;
    if (value < min[group]) min[group] = value;
    if (value > max[group]) max[group] = value;
  }
  return values.map((_, at) => (count[at] === 0 ? null : { count: count[at], mean: sum[at] / count[at], min: min[at], max: max[at] }));
}
