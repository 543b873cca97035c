import type { BinnedFeatures } from './binning.ts';
import { cellSize } from './histograms.ts';

export interface SplitRules {
  readonly minSamplesLeaf: number;
  readonly minChildHessian: number;
  readonly l2: number;
  readonly minGain: number;
}

/** Sums over the rows of a tree node. */
export interface NodeSums {
  readonly gradient: number;
  readonly hessian: number;
  readonly rows: number;
}

export interface Split {
  readonly feature: number;
  /** Present values up to this bin go left. */
  readonly bin: number;
  readonly missingLeft: boolean;
  readonly gain: number;
  readonly left: NodeSums;
}

/** The part of the loss that a leaf removes, twice over: G² / (H + l2) (Chen and Guestrin 2016, equation 7). */
function leafScore(gradient: number, hessian: number, l2: number): number {
  return (gradient * gradient) / (hessian + l2);
}

/**
 * The best split of a node, or undefined when none obeys the rules and gains more than `minGain`. Features in rising order, bins from the
 * left, missing values first to the right, then to the left; only a strictly greater gain replaces what was found: no ties by chance.
 */
export function findSplit(
  histograms: Float64Array,
  slot: number,
  { offsets, binCounts }: BinnedFeatures,
  features: Int32Array,
  featureCount: number,
  sums: NodeSums,
  rules: SplitRules,
): Split | undefined {
  const { minSamplesLeaf, minChildHessian, l2, minGain } = rules;
  const slotStart = slot * offsets[offsets.length - 1] * cellSize;
  const parentScore = leafScore(sums.gradient, sums.hessian, l2);
  let bestGain = minGain;
  let best: { feature: number; bin: number; missingLeft: boolean; gradient: number; hessian: number; rows: number } | undefined;
  for (let position = 0; position < featureCount; position++) {
    const feature = features[position];
    const base = slotStart + offsets[feature] * cellSize;
    const bins = binCounts[feature];
    const missing = base + bins * cellSize;
    const missingRows = histograms[missing + 2];
    for (let direction = 0; direction < (missingRows > 0 ? 2 : 1); direction++) {
      let gradient = direction === 1 ? histograms[missing] : 0;
      let hessian = direction === 1 ? histograms[missing + 1] : 0;
      let rows = direction === 1 ? missingRows : 0;
      // The last bin is a split only when it parts the present values from the missing ones.
      const end = direction === 0 && missingRows > 0 ? bins : bins - 1;
      for (let bin = 0; bin < end; bin++) {
        const cell = base + bin * cellSize;
        const count = histograms[cell + 2];
        if (count === 0) continue;
        gradient += histograms[cell];
        hessian += histograms[cell + 1];
        rows += count;
        if (rows < minSamplesLeaf || hessian < minChildHessian) continue;
        if (sums.rows - rows < minSamplesLeaf || sums.hessian - hessian < minChildHessian) break;
        const gain = leafScore(gradient, hessian, l2) + leafScore(sums.gradient - gradient, sums.hessian - hessian, l2) - parentScore;
        if (!(gain > bestGain)) continue;
        bestGain = gain;
        // Without missing rows here, later ones follow the larger child.
        best = { feature, bin, missingLeft: missingRows > 0 ? direction === 1 : 2 * rows >= sums.rows, gradient, hessian, rows };
      }
    }
  }
  if (best === undefined) return undefined;
  const { feature, bin, missingLeft, gradient, hessian, rows } = best;
  return { feature, bin, missingLeft, gain: bestGain, left: { gradient, hessian, rows } };
}
