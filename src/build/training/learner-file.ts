import { GyreError, canonicalJson } from '#core';
import { isLearnerName } from '#learners';
import type { LearnerName, Model } from '#learners';

/** Paths of a trained run's artifacts. */
export const modelPath = 'model.onnx';
export const learnerPath = 'learner.json';

export interface LearnerFile {
  readonly format: 'gyre.learner.v1';
  readonly trainer: LearnerName;
  readonly model: Model;
}

/** The trainer's own model as canonical JSON: equal models are equal bytes. */
export function encodeLearner(trainer: LearnerName, model: Model): Uint8Array {
  return new TextEncoder().encode(canonicalJson({ format: 'gyre.learner.v1', trainer, model } satisfies LearnerFile));
}

/** @throws GyreError DATA_LOSS when the bytes are no learner file */
export function decodeLearner(bytes: Uint8Array): LearnerFile {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (isLearnerFile(parsed)) return parsed;
  throw new GyreError('DATA_LOSS', `${learnerPath} is no learner of a form that this Gyre reads`);
}

function isLearnerFile(value: unknown): value is LearnerFile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === 'gyre.learner.v1' &&
    'trainer' in value &&
    typeof value.trainer === 'string' &&
    isLearnerName(value.trainer)
  );
}
