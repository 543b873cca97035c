import { appendColumn, dropColumns, textColumn } from '#tables';
import type { Column, Frame } from '#tables';
import { hashIndex, hashRows } from '../quality/row-hash.ts';
import { alikeTexts, areAlike, comparedText, digitsOf } from './near-texts.ts';
import type { Budget } from './near-texts.ts';
import { someOf } from './plan.ts';

/** How rows are compared. */
export interface NearPlan {
  /** Columns that have to be equal: categories, truths, codes, numbers that do not spread. */
  readonly discrete: readonly string[];
  /** Columns of texts: at most one of them may differ, and be alike (see `alikeTexts`). */
  readonly texts: readonly string[];
  /** Columns of numbers and instants, each with the most that two values may differ by. */
  readonly measured: readonly { readonly name: string; readonly within: number }[];
  /** See `alikeTexts`. */
  readonly alike: number;
}

/** Rows that nearly repeat an earlier one. */
export interface NearRows {
  /** Row → an earlier row that it is near to, in the order of the rows. */
  readonly near: ReadonlyMap<number, number>;
  /** False when there were more pairs to compare than are compared. */
  readonly isComplete: boolean;
}

/** Pairs that are compared: a second or two of one processor. */
const mostPairs = 10_000_000;

/** A sweep that looks at more pairs a row than this is not worth it where texts tell rows apart. */
const fewPairs = 50;

/**
 * The rows that are near to an earlier one. Two rows are near when they are not the same, agree in all discrete columns and in all texts but at
 * most one, which is alike, and when no measured value differs by more than its column allows; missing values agree with missing ones alone.
 * Rows that agree in the discrete columns and in all texts but one are found by hash; among them near numbers by a sweep along the column with
 * the most values, and alike texts by shared runs of letters. What is found is exact; each pair that can be near is looked at.
 */
export function nearRows(frame: Frame, plan: NearPlan): NearRows {
  const near = new Map<number, number>();
  const measured = plan.measured.map(({ name, within }) => ({ values: numbersOf(frame.column(name)), within }));
  const budget: Budget = { pairs: mostPairs };
  const isNear = (left: number, right: number): boolean => {
    budget.pairs--;
    for (const { values, within } of measured) {
      const difference = Math.abs(values[left] - values[right]);
      if (!(difference <= within) && !(Number.isNaN(values[left]) && Number.isNaN(values[right]))) return false;
    }
    return true;
  };
  const isSame = (left: number, right: number): boolean => measured.every(({ values }) => Object.is(values[left] + 0, values[right] + 0));
  const take = (left: number, right: number): void => {
    const [first, second] = left < right ? [left, right] : [right, left];
    const before = near.get(second);
    if (before === undefined || first < before) near.set(second, first);
  };
  const sharpest = sharpestOf(measured);
  if (sharpest)
    for (const block of blocksOf(frame, [...plan.discrete, ...plan.texts]))
      sweep(block, sharpest, budget, (left, right) => {
        if (isNear(left, right) && !isSame(left, right)) take(left, right);
      });
  for (const name of plan.texts) {
    const { codes, dictionary } = frame.texts(name);
    const compared = dictionary.map(comparedText);
    for (const all of blocksOf(withDigits(frame, name), [...plan.discrete, ...plan.texts])) {
      const block = all.filter((row) => codes[row] >= 0);
      if (sharpest && pairsOfSweep(block, sharpest) <= fewPairs * block.length) {
        sweep(block, sharpest, budget, (left, right) => {
          if (codes[left] === codes[right] || !isNear(left, right)) return;
          if (areAlike(compared[codes[left]], compared[codes[right]], plan.alike)) take(left, right);
        });
        continue;
      }
      const rowsOf = new Map<number, number[]>();
      for (const row of block) rowsOf.set(codes[row], [...(rowsOf.get(codes[row]) ?? []), row]);
      const held = [...rowsOf];
      const pairs = alikeTexts(
        held.map(([code]) => compared[code]),
        plan.alike,
        budget,
      );
      for (const [one, other] of pairs)
        for (const left of held[one][1])
          for (const right of held[other][1]) {
            if (budget.pairs <= 0) break;
            if (isNear(left, right)) take(left, right);
          }
    }
  }
  return { near: new Map([...near].sort(([left], [right]) => left - right)), isComplete: budget.pairs > 0 };
}

interface Measured {
  readonly values: Float64Array;
  readonly within: number;
}

/** Shows all pairs of a block that are near in one measured column, and those of which one misses it. */
function sweep(block: Int32Array, { values, within }: Measured, budget: Budget, show: (left: number, right: number) => void): void {
  block.sort((left, right) => byValue(values[left], values[right]) || left - right);
  for (let at = 1; at < block.length; at++)
    for (let before = at - 1; before >= 0; before--) {
      if (budget.pairs <= 0 || values[block[at]] - values[block[before]] > within) break;
      show(block[before], block[at]);
    }
}

/** How many pairs a sweep shows. */
function pairsOfSweep(block: Int32Array, { values, within }: Measured): number {
  const rising = Float64Array.from(block, (row) => values[row]).sort();
  let pairs = 0;
  for (let high = 1, low = 0; high < rising.length; high++) {
    while (rising[high] - rising[low] > within) low++;
    pairs += high - low;
  }
  return pairs;
}

/** The digits of a text column in place of the column: what rows have in common where the text itself may differ. */
function withDigits(frame: Frame, name: string): Frame {
  const { codes, dictionary } = frame.texts(name);
  const digits = dictionary.map(digitsOf);
  return appendColumn(dropColumns(frame, [name]), name, textColumn(Array.from(codes, (code) => (code < 0 ? null : digits[code]))));
}

/** Groups of two rows and more that agree in these columns; all rows are one where there is no column. */
function blocksOf(frame: Frame, columns: readonly string[]): Int32Array[] {
  if (columns.length === 0) return frame.rows > 1 ? [Int32Array.from({ length: frame.rows }, (_, row) => row)] : [];
  const { high, low } = hashRows(frame, columns);
  const index = hashIndex(frame.rows);
  const groups = Int32Array.from({ length: frame.rows }, (_, row) => index.add(high[row], low[row]));
  const counts = new Int32Array(index.size);
  for (const group of groups) counts[group]++;
  const blocks = new Map<number, { readonly rows: Int32Array; filled: number }>();
  for (let row = 0; row < frame.rows; row++) {
    const group = groups[row];
    if (counts[group] < 2) continue;
    let block = blocks.get(group);
    if (block === undefined) {
      block = { rows: new Int32Array(counts[group]), filled: 0 };
      blocks.set(group, block);
    }
    block.rows[block.filled++] = row;
  }
  return Array.from(blocks.values(), ({ rows }) => rows);
}

function numbersOf(column: Column): Float64Array {
  return column.kind === 'text' ? new Float64Array(column.codes.length) : column.values;
}

/** The column in whose windows there are the fewest rows. */
function sharpestOf(measured: readonly Measured[]): Measured | undefined {
  const counted = measured.map((each) => ({
    each,
    distinct: new Set(someOf(each.values).map((value) => Math.round(value / each.within))).size,
  }));
  return counted.sort((left, right) => right.distinct - left.distinct)[0]?.each;
}

/** In rising order, missing values behind all others. */
function byValue(left: number, right: number): number {
  if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
  return Number.isNaN(right) ? -1 : left - right;
}
