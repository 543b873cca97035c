import type { NumberList } from './task.ts';

/** Scores sorted once, so that resampled weights cost one pass each. */
export interface Ranking {
  /** Row indices by falling score. */
  readonly order: Uint32Array;
  /** 1 at each position of `order` that ends a run of equal scores. */
  readonly endsTie: Uint8Array;
  /** 1 for positive rows, by row. */
  readonly positive: Uint8Array;
}

/** Sorts rows by falling score. @param positive whether row i is of the positive class */
export function rank(positive: (row: number) => boolean, scores: NumberList): Ranking {
  const rows = scores.length;
  const order = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) order[i] = i;
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  const endsTie = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) endsTie[i] = i === rows - 1 || scores[order[i]] !== scores[order[i + 1]] ? 1 : 0;
  const flags = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) flags[i] = positive(i) ? 1 : 0;
  return { order, endsTie, positive: flags };
}

/**
 * Area under the ROC curve: the chance that a positive row outranks a negative one, ties counting half (the Mann-Whitney U statistic with
 * midranks; Hanley and McNeil 1982). NaN when a class has no weight.
 */
export function rocAucOf({ order, endsTie, positive }: Ranking, weights?: NumberList): number {
  let positives = 0;
  let negatives = 0;
  let tiedPositives = 0;
  let tiedNegatives = 0;
  let wins = 0;
  for (let i = 0; i < order.length; i++) {
    const row = order[i];
    const weight = weights === undefined ? 1 : weights[row];
    if (positive[row] === 1) tiedPositives += weight;
    else tiedNegatives += weight;
    if (endsTie[i] === 0) continue;
    wins += tiedNegatives * (positives + tiedPositives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
    tiedPositives = 0;
    tiedNegatives = 0;
  }
  return wins / (positives * negatives);
}

/**
 * Average precision, the step-wise area under the precision-recall curve: sum over thresholds of (R_n - R_{n-1}) P_n, as in scikit-learn
 * (no interpolation, which would flatter; Davis and Goadrich 2006). NaN without positive rows.
 */
export function averagePrecisionOf({ order, endsTie, positive }: Ranking, weights?: NumberList): number {
  let hits = 0;
  let seen = 0;
  let area = 0;
  let tiedHits = 0;
  for (let i = 0; i < order.length; i++) {
    const row = order[i];
    const weight = weights === undefined ? 1 : weights[row];
    seen += weight;
    if (positive[row] === 1) tiedHits += weight;
    if (endsTie[i] === 0) continue;
    hits += tiedHits;
    if (tiedHits > 0) area += (tiedHits * hits) / seen;
    tiedHits = 0;
  }
  return area / hits;
}

/** Area under the ROC curve of binary scores. @param truth 0 or 1 per row; @param scores greater means more positive. NaN with one class only. */
export function rocAuc(truth: NumberList, scores: NumberList, weights?: NumberList): number {
  return rocAucOf(
    rank((row) => truth[row] === 1, scores),
    weights,
  );
}

/** Average precision of binary scores. NaN without positive rows. */
export function averagePrecision(truth: NumberList, scores: NumberList, weights?: NumberList): number {
  return averagePrecisionOf(
    rank((row) => truth[row] === 1, scores),
    weights,
  );
}
