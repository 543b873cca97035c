import type { NumberList } from './task.ts';

/** Rows whose labels confident learning suspects. */
export interface LabelSuspects {
  /** 1 for a suspected row. */
  readonly suspected: Uint8Array;
  /** The class that a suspected row seems to be of; for the others their own. */
  readonly likely: Int32Array;
  /** By class: the mean probability of the class among the rows that are labelled with it; NaN for a class without rows. */
  readonly thresholds: Float64Array;
  /** Rows by (label, likely class) of those that are confidently of some class: [classes][classes], flat. */
  readonly joint: Float64Array;
}

/** As in cleanlab: a probability that is as good as its threshold reaches it. */
const slack = 1e-6;
/** No class is reached by next to nothing. */
const leastThreshold = 2e-6;

/**
 * Confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021): a row is
 * confidently of a class when its probability reaches the mean probability of that class among the rows labelled with it; of several such
 * classes it is of the most probable one. A row that is confidently of another class than its label stands off the diagonal of the confident
 * joint, and is suspected. As in cleanlab (`filter_by='confident_learning'`), not where its label is the most probable class all the same.
 * @param labels class indices @param probabilities out of sample, [rows][classes], flat
 */
export function suspectLabels(labels: NumberList, probabilities: Float64Array, classes: number): LabelSuspects {
  const rows = labels.length;
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  for (let row = 0; row < rows; row++) {
    sums[labels[row]] += probabilities[row * classes + labels[row]];
    counts[labels[row]]++;
  }
  const thresholds = sums.map((sum, own) => (counts[own] === 0 ? NaN : Math.max(leastThreshold, sum / counts[own])));
  const suspected = new Uint8Array(rows);
  const likely = Int32Array.from(labels);
  const joint = new Float64Array(classes * classes);
  for (let row = 0; row < rows; row++) {
    let [best, confident, first] = [0, 0, -1];
    for (let each = 0; each < classes; each++) {
      const probability = probabilities[row * classes + each];
      if (probability > probabilities[row * classes + best]) best = each;
      if (!(probability >= thresholds[each] - slack)) continue;
      confident++;
      if (first < 0) first = each;
    }
    if (confident === 0) continue;
    const guess = confident > 1 ? best : first;
    joint[labels[row] * classes + guess]++;
    const own = probabilities[row * classes + labels[row]];
    if (guess === labels[row] || own + slack >= probabilities[row * classes + best]) continue;
    suspected[row] = 1;
    likely[row] = guess;
  }
  return { suspected, likely, thresholds, joint };
}
