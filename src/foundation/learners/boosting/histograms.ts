// Imports nothing: worker threads load this file alone, so that they start in milliseconds.

/** Numbers per histogram cell: sum of gradients, sum of hessians, rows. */
export const cellSize = 3;

/** What a histogram is built from; on shared memory when threads share the work. */
export interface HistogramSources {
  readonly rowCount: number;
  readonly bins: Uint8Array;
  readonly offsets: Int32Array;
  /** Row indices, grouped by tree node. */
  readonly rows: Int32Array;
  /** Gradients and hessians in the order of `rows`. */
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  /** Columns in use by the current tree. */
  readonly features: Int32Array;
  /** One histogram per slot, each of `cells * cellSize` numbers. */
  readonly histograms: Float64Array;
}

/**
 * Fills the histogram of the rows at start … end-1 for the features at positions first, first + stride, … Each cell is summed by one thread in
 * row order: the sums are the same bits for any number of threads.
 */
export function fillHistogram(
  { rowCount, bins, offsets, rows, gradients, hessians, features, histograms }: HistogramSources,
  start: number,
  end: number,
  slot: number,
  featureCount: number,
  first: number,
  stride: number,
): void {
  const slotStart = slot * offsets[offsets.length - 1] * cellSize;
  for (let position = first; position < featureCount; position += stride) {
    const feature = features[position];
    const base = slotStart + offsets[feature] * cellSize;
    histograms.fill(0, base, slotStart + offsets[feature + 1] * cellSize);
    const column = feature * rowCount;
    for (let i = start; i < end; i++) {
      const cell = base + bins[column + rows[i]] * cellSize;
      histograms[cell] += gradients[i];
      histograms[cell + 1] += hessians[i];
      histograms[cell + 2] += 1;
    }
  }
}

/** Turns the parent's histogram into that of the other child: parent - child, for the features in use. */
export function subtractHistogram(
  { offsets, features, histograms }: HistogramSources,
  parentSlot: number,
  childSlot: number,
  featureCount: number,
): void {
  const cells = offsets[offsets.length - 1] * cellSize;
  for (let position = 0; position < featureCount; position++) {
    const feature = features[position];
    const from = offsets[feature] * cellSize;
    const to = offsets[feature + 1] * cellSize;
    for (let i = from; i < to; i++) histograms[parentSlot * cells + i] -= histograms[childSlot * cells + i];
  }
}

/** Words of the shared control block. */
export const control = { generation: 0, pending: 1, start: 2, end: 3, slot: 4, featureCount: 5, stop: 6, failed: 7, size: 8 } as const;
