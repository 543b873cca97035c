import type { Random } from '#core';
import { totalVariation } from './distances.ts';
import { quantileOfSorted } from './quantiles.ts';

export interface PermutationOptions {
  readonly permutations: number;
  readonly random: Random;
}

/** A value judged against its null law. */
export interface PermutationVerdict {
  readonly value: number;
  readonly pValue: number;
  /** The value at which the p-value is alpha. */
  readonly threshold: number;
}

/** p = (1 + draws at or above the value) / (1 + draws): never 0, and valid for any number of draws (Phipson and Smyth 2010). */
export function verdictOf(value: number, draws: Float64Array, alpha: number): PermutationVerdict {
  let above = 0;
  // A draw that equals the value up to rounding counts as equal.
  for (const draw of draws) if (draw >= value * (1 - 1e-12)) above++;
  return { value, pValue: (1 + above) / (1 + draws.length), threshold: quantileOfSorted(draws.toSorted(), 1 - alpha) };
}

/** Total variation when rows are dealt to the two sides at random. */
export function permutedTotalVariation(
  reference: Float64Array,
  current: Float64Array,
  { permutations, random }: PermutationOptions,
): Float64Array {
  const both = reference.map((count, i) => count + current[i]);
  const cells = new Uint32Array(both.reduce((sum, count) => sum + count, 0));
  let at = 0;
  both.forEach((count, cell) => cells.fill(cell, at, (at += count)));
  const smaller = Math.min(
    reference.reduce((sum, count) => sum + count, 0),
    current.reduce((sum, count) => sum + count, 0),
  );
  return Float64Array.from({ length: permutations }, () => {
    deal(cells, smaller, random);
    const side = new Float64Array(both.length);
    for (let i = 0; i < smaller; i++) side[cells[i]]++;
    return totalVariation(
      side,
      both.map((count, i) => count - side[i]),
    );
  });
}

/** Wasserstein-1 distance over `scale` when values are dealt to the two sides at random. Both in rising order. */
export function permutedWasserstein(
  a: Float64Array,
  b: Float64Array,
  scale: number,
  { permutations, random }: PermutationOptions,
): Float64Array {
  const pooled = new Float64Array(a.length + b.length);
  pooled.set(a);
  pooled.set(b, a.length);
  pooled.sort();
  const smaller = Math.min(a.length, b.length);
  const larger = pooled.length - smaller;
  const positions = Uint32Array.from(pooled, (_, i) => i);
  const flags = new Uint8Array(pooled.length);
  return Float64Array.from({ length: permutations }, () => {
    deal(positions, smaller, random);
    flags.fill(0);
    for (let i = 0; i < smaller; i++) flags[positions[i]] = 1;
    let dealt = 0;
    let area = 0;
    for (let i = 0; i < pooled.length - 1; i++) {
      dealt += flags[i];
      area += (pooled[i + 1] - pooled[i]) * Math.abs(dealt / smaller - (i + 1 - dealt) / larger);
    }
    return area / scale;
  });
}

/** Draws `count` items without replacement to the front (the first steps of Fisher and Yates' shuffle). */
function deal(items: Uint32Array, count: number, random: Random): void {
  for (let i = 0; i < count; i++) {
    const j = i + random.int(items.length - i);
    const held = items[i];
    items[i] = items[j];
    items[j] = held;
  }
}
