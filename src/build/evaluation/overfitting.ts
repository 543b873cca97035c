import { metricInfo } from '#stats';
import type { MetricName } from '#stats';
import type { MetricValue } from '#contract';
import { improvement } from './scored.ts';
import { figure, percent } from './words.ts';

/** A loss of more than this share of what the model has learned, between train and test, is worth a warning. */
const lostShare = 0.15;

export interface OverfittingFacts {
  readonly metric: MetricName;
  /** On the rows that the model was fitted on. */
  readonly train: number;
  readonly trainPart: string;
  readonly test: MetricValue;
  /** What a model without any knowledge of the row reaches on the training rows. */
  readonly withoutSkill: number;
}

/**
 * The rule: the model's advantage over one without skill shrinks from train to test by more than 15 %, and the training value lies outside
 * the test value's interval (so that chance does not explain it).
 * @returns the warning in words with its figures; undefined when the rule does not apply
 */
export function overfittingWarning({ metric, train, trainPart, test, withoutSkill }: OverfittingFacts): string | undefined {
  if (test.value === null || !Number.isFinite(train) || !Number.isFinite(withoutSkill)) return undefined;
  const learned = improvement(metric, train, withoutSkill);
  const lost = improvement(metric, train, test.value);
  if (!(learned > 0) || lost / learned <= lostShare) return undefined;
  const best = metricInfo[metric].higherIsBetter ? test.interval?.high : test.interval?.low;
  if (best !== undefined && improvement(metric, train, best) <= 0) return undefined;
  return (
    `overfitting: ${metric} is ${figure(train)} on ${trainPart} and ${figure(test.value)} on test. Against ${figure(withoutSkill)} without a model, ` +
    `${percent(lost / learned)} of what was learned does not carry over to new rows (warned of above ${percent(lostShare)}, when the training value lies outside the test's interval)`
  );
}
