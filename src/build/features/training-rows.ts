import { seedOf, seeded } from '#core';
import { quantilesOfSorted } from '#stats';
import { createFrame } from '#tables';
import type { Frame } from '#tables';
import type { TrainingOnly } from './recipe.ts';
import type { Treatment } from './treatments.ts';

const mostFolds = 5;

/** The bounds that outliers of training rows are clipped to: quantiles of each raw number column that asks for it. */
export function clipBounds(frame: Frame, treatments: readonly Treatment[]): TrainingOnly['clip'] {
  return treatments.flatMap(({ source, as, isDerived, transforms: { clip } }) => {
    if (clip === undefined || as !== 'number' || isDerived || frame.typeOf(source) === 'boolean') return [];
    const rising = frame.numbers(source).filter(Number.isFinite).sort();
    if (rising.length === 0) return [];
    const [low, high] = quantilesOfSorted(rising, [clip.lower, clip.upper]);
    return [{ column: source, low, high }];
  });
}

/** Training rows with outliers clipped; infinities go to the bounds, missing values stay missing. */
export function clipRows(frame: Frame, clip: TrainingOnly['clip']): Frame {
  if (clip.length === 0) return frame;
  const bounds = new Map(clip.map((bound) => [bound.column, bound]));
  return createFrame(
    frame.schema.map(({ name, type }) => {
      const bound = bounds.get(name);
      const column = frame.column(name);
      if (bound === undefined || column.kind !== 'number') return { name, type, column };
      const values = column.values.map((value) => (value < bound.low ? bound.low : value > bound.high ? bound.high : value));
      // A bound between two whole numbers would make an integer column fractional, so its type becomes number.
      return { name, type: 'number', column: { kind: 'number', values } };
    }),
    frame.rows,
  );
}

/** The fold of each training row for out-of-fold encoding: folds of equal size, dealt in an order that depends on the number of rows alone. */
export function foldsOf(rows: number): { readonly count: number; readonly foldOf: Int32Array } {
  const count = Math.min(mostFolds, rows);
  const order = Int32Array.from({ length: rows }, (_, row) => row);
  seeded(seedOf('gyre.target-encoding.folds', rows)).shuffle(order);
  const foldOf = new Int32Array(rows);
  for (let at = 0; at < rows; at++) foldOf[order[at]] = at % count;
  return { count, foldOf };
}
