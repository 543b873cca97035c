import type { ValidationResult } from '#contract';
import { metricsWithIntervals } from './figures.ts';
import type { Resampling } from './figures.ts';
import { learnedFrom, requireHeldOut, seenRows } from './held-out.ts';
import type { KeySources } from './held-out.ts';
import type { JudgeRequest } from './port.ts';
import { scoreVersion, takeScored } from './scored.ts';
import type { ScoringDeps } from './scored.ts';
import type { ScoringModel } from './scoring-model.ts';
import { count } from './words.ts';

/**
 * A model's figures on each validation set. Rows whose key the model has learned from, by a later training on other rows, are left out.
 * @throws GyreError FAILED_PRECONDITION when the model has learned from the very version of a set, or the set has no rows
 */
export async function judgeSets(
  deps: ScoringDeps & KeySources,
  model: ScoringModel,
  sets: NonNullable<JudgeRequest['validationSets']>,
  { threshold, ...resampling }: Resampling & { readonly threshold: number },
): Promise<{ readonly results: readonly ValidationResult[]; readonly warnings: readonly string[] }> {
  const results: ValidationResult[] = [];
  const warnings: string[] = [];
  for (const { set, strategy, version } of sets) {
    requireHeldOut(model, version);
    const scored = await scoreVersion(deps, model, version);
    const seen = await seenRows(deps, model, scored.frame, learnedFrom(model));
    const positions = Array.from({ length: scored.truth.length }, (_, row) => row).filter((row) => seen === undefined || seen[row] === 0);
    const leftOut = scored.truth.length - positions.length;
    if (leftOut > 0)
      warnings.push(
        `${count(leftOut)} of the ${count(scored.truth.length)} rows of validation set "${set}" are left out: the model has learned from their keys`,
      );
    results.push({
      set,
      strategy,
      dataset: version,
      rows: positions.length,
      ...(leftOut === 0 ? {} : { leftOut }),
      metrics: positions.length === 0 ? [] : metricsWithIntervals(takeScored(scored, positions), threshold, resampling),
    });
  }
  return { results, warnings };
}
