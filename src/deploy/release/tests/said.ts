import type { NamedRow, PredictAnswer, Said, Signature } from '#contract';
import { maskedText } from '#contract';

export type Prediction = PredictAnswer['predictions'][number];

/** What an endpoint said of a row: its class with its probability, or the value. */
export function saidOf({ label, probabilities, value }: Prediction): Said {
  if (label === undefined) return { score: value ?? null };
  return { label, score: probabilities?.[label] ?? null };
}

/** How far two answers to a row are apart: in the probability of the class that was said before, or in the value. NaN where one says no number. */
export function apart(before: Prediction, after: Prediction): number {
  if (before.label === undefined) return Math.abs((after.value ?? Number.NaN) - (before.value ?? Number.NaN));
  const of = (answer: Prediction): number => answer.probabilities?.[before.label ?? ''] ?? (answer.label === before.label ? 1 : 0);
  return Math.abs(of(after) - of(before));
}

/** Whether every number of an answer is one. */
export function isSound({ value, probabilities }: Prediction): boolean {
  return (value === undefined || Number.isFinite(value)) && Object.values(probabilities ?? {}).every((share) => Number.isFinite(share));
}

/** A row as it may be kept: personal inputs masked, pictures left out. */
export function shown({ inputs }: Signature, row: NamedRow, personal: readonly string[]): Record<string, string | number | boolean | null> {
  return Object.fromEntries(
    inputs.flatMap(({ name, image }) => {
      if (image !== undefined) return [];
      const value = row[name] ?? null;
      return [[name, personal.includes(name) && value !== null ? maskedText : value]];
    }),
  );
}
