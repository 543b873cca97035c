import type { Comparison } from '#contract';
import { GyreError, seedOf, seeded } from '#core';
import { metricInfo, pairedBootstrap } from '#stats';
import type { MetricName } from '#stats';
import { learnedFrom, requireHeldOut, seenRows } from './held-out.ts';
import type { KeySources } from './held-out.ts';
import { takeScored } from './scored.ts';
import type { ScoredRows } from './scored.ts';
import type { ScoringModel } from './scoring-model.ts';

export interface Contender {
  readonly model: ScoringModel;
  readonly scored: ScoredRows;
  readonly threshold: number;
}

export interface ComparisonOptions {
  readonly metric: MetricName;
  readonly seed: number;
  readonly resamples: number;
}

/**
 * Champion against challenger on the same rows, that neither learned from: rows whose key one of them saw are left out.
 * Better or worse is said when the interval of the difference lies on one side of 0.
 * @throws GyreError FAILED_PRECONDITION when the dataset is a training input of either, or too few rows are left
 */
export async function comparePair(
  sources: KeySources,
  champion: Contender,
  challenger: Contender,
  options: ComparisonOptions,
): Promise<Comparison> {
  const { scored } = challenger;
  const dataset = scored.version;
  for (const { model } of [champion, challenger]) requireHeldOut(model, dataset);
  requireSameTask(champion.model, challenger.model);
  const seen = await Promise.all([champion, challenger].map(({ model }) => seenRows(sources, model, scored.frame, learnedFrom(model))));
  const positions: number[] = [];
  for (let row = 0; row < scored.truth.length; row++)
    if (seen.every((flags) => flags === undefined || flags[row] === 0)) positions.push(row);
  if (positions.length < 2) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `all ${scored.truth.length} rows of dataset version ${dataset.slice(0, 12)} have keys that one of the two models learned from: they cannot be compared on it`,
      { dataset },
    );
  }
  const left = takeScored(champion.scored, positions);
  const right = takeScored(scored, positions);
  const { metric, seed, resamples } = options;
  const difference = pairedBootstrap(metric, right.task, right.truth, left.scores, right.scores, {
    random: seeded(seedOf(seed, 'comparison', metric)),
    resamples,
    threshold: champion.threshold,
    challengerThreshold: challenger.threshold,
  });
  const { low, high, confidence } = difference;
  const sign = low > 0 ? 1 : high < 0 ? -1 : 0;
  const gain = metricInfo[metric].higherIsBetter ? sign : -sign;
  return {
    champion: champion.model.id,
    challenger: challenger.model.id,
    dataset,
    rows: positions.length,
    metric,
    championValue: difference.champion,
    challengerValue: difference.challenger,
    difference: difference.value,
    interval: { low, high, level: confidence },
    resamples: difference.resamples,
    verdict: gain > 0 ? 'better' : gain < 0 ? 'worse' : 'no_evidence',
  };
}

function requireSameTask(left: ScoringModel, right: ScoringModel): void {
  if (left.task === right.task && left.target === right.target && left.classes.join('\u0000') === right.classes.join('\u0000')) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `the two models answer different questions: the champion predicts "${left.target}" (${left.task}: ${left.classes.join(', ')}), the challenger "${right.target}" (${right.task}: ${right.classes.join(', ')})`,
    { champion: left.id, challenger: right.id },
  );
}
