import type { FeatureMatrix } from '#features';
import type { Matrix, Model } from '#learners';

/** Feature rows at the places where rounding could send a row the other way. */
export interface BoundaryRows extends Matrix {
  /** What a row is, in words. */
  describe(row: number, names: readonly string[]): string;
}

interface Place {
  readonly feature: number;
  readonly value: number;
  readonly what: string;
}

/** More splits than any model of ours has; a bound on time, not a sample that anyone should meet. */
const mostSplits = 20_000;

/**
 * For every distinct split of a tree model three rows: the feature exactly on the threshold, one float32 step above, one below; and for every
 * feature one row without a value. The other features are those of the given rows in turn. No rows for a linear model: it has no steps.
 */
export function boundaryRows(model: Model, base: FeatureMatrix): BoundaryRows {
  const places = model.kind === 'gbdt' && base.rows > 0 ? placesOf(model.trees, base.columns) : [];
  const { columns } = base;
  const values = new Float32Array(places.length * columns);
  places.forEach(({ feature, value }, row) => {
    const from = (row % base.rows) * columns;
    values.set(base.values.subarray(from, from + columns), row * columns);
    values[row * columns + feature] = value;
  });
  return {
    rows: places.length,
    columns,
    values,
    describe: (row, names) => `a row with feature "${names[places[row].feature]}" ${places[row].what}`,
  };
}

function placesOf(
  trees: readonly { readonly feature: readonly number[]; readonly threshold: readonly number[] }[],
  columns: number,
): Place[] {
  const seen = new Set<string>();
  const places: Place[] = [];
  for (const { feature: features, threshold } of trees) {
    features.forEach((feature, node) => {
      if (feature < 0 || seen.size >= mostSplits) return;
      const value = threshold[node];
      const key = `${feature} ${value}`;
      if (seen.has(key)) return;
      seen.add(key);
      places.push(
        { feature, value, what: `exactly on the threshold ${value}` },
        { feature, value: nextFloat32(value, 1), what: `one float32 step above the threshold ${value}` },
        { feature, value: nextFloat32(value, -1), what: `one float32 step below the threshold ${value}` },
      );
    });
  }
  if (places.length > 0) for (let feature = 0; feature < columns; feature++) places.push({ feature, value: Number.NaN, what: 'missing' });
  return places;
}

/** The float32 value next to a float32 value, above (1) or below (-1). */
export function nextFloat32(value: number, direction: 1 | -1): number {
  const floats = new Float32Array([value]);
  const bits = new Int32Array(floats.buffer);
  if (floats[0] === 0) {
    bits[0] = direction === 1 ? 1 : -0x7fffffff;
    return floats[0];
  }
  // IEEE 754 floats of one sign are ordered as their bits are, by size.
  bits[0] += floats[0] > 0 === (direction === 1) ? 1 : -1;
  return floats[0];
}
