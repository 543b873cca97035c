import { GyreError } from '#core';
import type { Inferred, Outliers, ServedModel } from '#serving';
import type { Members, WantedOutput } from './decode.ts';
import type { Feeds } from './values.ts';

const names = ['outlier_score', 'is_outlier', 'outlier_threshold'] as const;

/** Whether a request's parameters ask for outlier scores. @throws GyreError INVALID_ARGUMENT when they say neither yes nor no */
export function asksForOutliers(parameters: unknown): boolean {
  const asked = typeof parameters === 'object' && parameters !== null ? (parameters as Members).outlier : undefined;
  if (asked === undefined || typeof asked === 'boolean') return asked ?? false;
  throw new GyreError('INVALID_ARGUMENT', 'the parameter "outlier" must be true or false');
}

/**
 * An answer with the outlier scores of its rows as further outputs: `outlier_score` (FP64) and `is_outlier` (BOOL) for each row, `outlier_threshold` (FP64,
 * one). Scores are made while the model runs.
 * @param isBinary whether they come as bytes, as the others do
 * @throws GyreError as `Outliers.score` (before anything is predicted, where the model has none) and what `predict` throws
 */
export async function inferWithOutliers(
  outliers: Outliers | undefined,
  { entry }: ServedModel,
  { feeds, outputs, isBinary }: { readonly feeds: Feeds; readonly outputs: readonly WantedOutput[]; readonly isBinary: boolean },
  predict: () => Promise<Inferred>,
): Promise<{ readonly inferred: Inferred; readonly wanted: readonly WantedOutput[] }> {
  if (outliers === undefined) throw new GyreError('UNIMPLEMENTED', 'this data plane gives no outlier scores');
  outliers.require(entry);
  const scoring = outliers.score(entry, feeds);
  const [inferred, { scores, threshold }] = await Promise.all([predict(), scoring]);
  const shape = [scores.length];
  const more: Inferred['outputs'] = {
    outlier_score: { type: 'DOUBLE', shape, data: scores },
    is_outlier: { type: 'BOOL', shape, data: Uint8Array.from(scores, (score) => (score > threshold ? 1 : 0)) },
    outlier_threshold: { type: 'DOUBLE', shape: [1], data: Float64Array.of(threshold) },
  };
  return {
    inferred: { ...inferred, outputs: { ...inferred.outputs, ...more } },
    wanted: [...outputs, ...names.map((name) => ({ name, binary: isBinary }))],
  };
}
