import type { Signature } from '#contract';
import { computeMetrics, standardDeviation } from '#stats';
import type { Prediction } from './said.ts';

/** Of a regression: a value that moved by less than this share of its spread is the same answer. */
const movedShare = 0.1;

/**
 * Tells which answers are other ones: another class, or a value that moved by more than a tenth of the spread.
 * @param before the answers whose values give the spread
 * @returns of two answers to a row and how far they are apart
 */
export function movedFrom(
  { task }: Signature,
  before: readonly Prediction[],
): (pair: { readonly before: Prediction; readonly after: Prediction; readonly difference: number }) => boolean {
  const spread = task === 'regression' ? standardDeviation(before.map(({ value }) => value ?? Number.NaN)) : 0;
  return (pair) => (pair.before.label === undefined ? pair.difference > movedShare * spread : pair.before.label !== pair.after.label);
}

/**
 * How right answers are by what they say: accuracy of their labels, so that each version is held to its own threshold; R² of values.
 * @param truth class indexes of the signature, or numbers, of the same rows
 * @returns undefined without a task, or where it is not defined on these rows
 */
export function qualityOf(
  { task, classes }: Signature,
  truth: Float64Array,
  answers: readonly Prediction[],
): { readonly name: 'accuracy' | 'r2'; readonly value: number } | undefined {
  if (task === undefined || answers.length === 0) return undefined;
  if (task !== 'regression') {
    const right = answers.filter(({ label }, at) => label === classes[truth[at]]).length;
    return { name: 'accuracy', value: right / answers.length };
  }
  const values = Float64Array.from(answers, ({ value }) => value ?? Number.NaN);
  const { r2 } = computeMetrics(task, truth, values, undefined, ['r2']);
  return r2 === undefined ? undefined : { name: 'r2', value: r2 };
}
