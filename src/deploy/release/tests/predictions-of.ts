import type { Signature } from '#contract';
import type { Prediction } from './said.ts';

/**
 * A model's scores as an endpoint says them: the class with its probabilities by the version's threshold, or the value.
 * @param scores probabilities [rows][classes], flat, or values [rows] of a regression
 */
export function predictionsOf({ task, classes, positive, threshold = 0.5 }: Signature, scores: Float64Array): readonly Prediction[] {
  if (task === 'regression') return Array.from(scores, (value) => ({ id: '', value }));
  const width = classes.length;
  const yes = positive === undefined ? 1 : classes.indexOf(positive);
  return Array.from({ length: scores.length / width }, (_, row) => {
    const shares = scores.subarray(row * width, (row + 1) * width);
    const most = task === 'binary' ? (shares[yes] >= threshold ? yes : 1 - yes) : shares.indexOf(Math.max(...shares));
    return { id: '', label: classes[most], probabilities: Object.fromEntries(classes.map((name, at) => [name, shares[at]])) };
  });
}
