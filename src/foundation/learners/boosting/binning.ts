import type { Matrix } from '../matrix.ts';

/** Training features as small integers, column by column, for histograms. */
export interface BinnedFeatures {
  readonly rows: number;
  readonly columns: number;
  /** [columns][rows]: the bin of each value; missing values have the bin `binCounts[column]`. */
  readonly bins: Uint8Array;
  /** Bins of present values per column, 1 … 255 (0 for a column that is all missing). */
  readonly binCounts: Int32Array;
  /** Start of each column's cells in a histogram; the last entry is the number of cells. Each column has one more cell than bins: missing. */
  readonly offsets: Int32Array;
  /** Per column the upper edge of each bin, float32: a value lies in the first bin whose edge is not below it. The last edge is float32's greatest. */
  readonly edges: readonly Float32Array[];
}

/** The greatest finite float32: "anything that is present goes left". */
export const greatestFloat32 = 3.4028234663852886e38;

/** @param maxBins 2 … 255; @param shared whether worker threads are to read the bins */
export function binFeatures({ rows, columns, values }: Matrix, maxBins: number, shared: boolean): BinnedFeatures {
  const bins = new Uint8Array(shared ? new SharedArrayBuffer(rows * columns) : new ArrayBuffer(rows * columns));
  const edges: Float32Array[] = [];
  const binCounts = new Int32Array(columns);
  const offsets = new Int32Array(columns + 1);
  const column = new Float32Array(rows);
  for (let c = 0; c < columns; c++) {
    let present = 0;
    for (let i = 0; i < rows; i++) {
      const value = values[i * columns + c];
      if (!Number.isNaN(value)) column[present++] = value;
    }
    const columnEdges = edgesOf(column.slice(0, present).sort(), maxBins);
    edges.push(columnEdges);
    binCounts[c] = columnEdges.length;
    offsets[c + 1] = offsets[c] + columnEdges.length + 1;
    for (let i = 0; i < rows; i++) bins[c * rows + i] = binOf(columnEdges, values[i * columns + c]);
  }
  return { rows, columns, bins, binCounts, offsets, edges };
}

/**
 * Upper edges of bins: one per distinct value where they fit, else bins of about equal counts that never part equal values.
 * @param rising present values in rising order
 */
function edgesOf(rising: Float32Array, maxBins: number): Float32Array {
  const starts: number[] = [];
  for (let i = 0; i < rising.length; i++) if (i === 0 || rising[i] !== rising[i - 1]) starts.push(i);
  const edges: number[] = [];
  let filled = 0;
  starts.forEach((start, k) => {
    const end = starts[k + 1];
    if (end === undefined) return;
    // Each bin aims at its share of what is left, so that one heavy value does not starve the rest.
    const quota = (rising.length - filled) / (maxBins - edges.length);
    if (starts.length > maxBins && (end - filled < quota || edges.length === maxBins - 1)) return;
    edges.push(between(rising[start], rising[end]));
    filled = end;
  });
  if (rising.length > 0) edges.push(greatestFloat32);
  return Float32Array.from(edges);
}

/**
 * The threshold between two neighbouring values a < b: the float32 next to their middle, and never b itself, so that `a <= t < b` holds in
 * float32, where training, prediction and ONNX all compare.
 */
export function between(a: number, b: number): number {
  const middle = Math.fround(a / 2 + b / 2);
  return middle >= a && middle < b ? middle : a;
}

function binOf(edges: Float32Array, value: number): number {
  if (Number.isNaN(value)) return edges.length;
  let low = 0;
  let high = edges.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= edges[middle]) high = middle;
    else low = middle + 1;
  }
  return low;
}
