import type { TestSpec } from '#contract';
import { GyreError } from '#core';
import { chooseThreshold } from '#stats';
import type { ThresholdCriterion } from '#stats';
import type { Scored } from './scored.ts';
import { figure } from './words.ts';

export interface DecisionThreshold {
  readonly value: number;
  readonly chosenBy: string;
}

/** Accuracy is the share of rows without an error, so its best threshold is the one of least cost when both errors cost the same. */
const criteria: Readonly<Record<'max_f1' | 'max_accuracy' | 'youden', ThresholdCriterion>> = {
  max_f1: { kind: 'max_f1' },
  max_accuracy: { kind: 'cost', falsePositive: 1, falseNegative: 1 },
  youden: { kind: 'youden' },
};

/**
 * The probability from which a row counts as positive; undefined for tasks that have none.
 * @param validation rows that chose it, never those of the test
 * @throws GyreError FAILED_PRECONDITION when it is to be chosen and there are no validation rows
 */
export function decisionThreshold(
  spec: TestSpec['threshold'],
  validation: Scored | undefined,
  task: Scored['task'],
): DecisionThreshold | undefined {
  if (task !== 'binary') return undefined;
  if (typeof spec === 'number') return { value: spec, chosenBy: 'fixed by the project' };
  if (spec === undefined) return { value: 0.5, chosenBy: 'the default' };
  if (validation === undefined)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `a decision threshold by ${spec} is chosen on validation rows, and the run names none: fix it as a number`,
    );
  const { threshold, value } = chooseThreshold(validation.truth, validation.scores, criteria[spec]);
  const reached =
    spec === 'max_accuracy' ? `accuracy ${figure(1 - value)}` : spec === 'max_f1' ? `F1 ${figure(value)}` : `Youden index ${figure(value)}`;
  return { value: threshold, chosenBy: `${spec} on ${validation.truth.length} validation rows (${reached})` };
}
