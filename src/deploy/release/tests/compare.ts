import type { NamedRow, ProductionComparison, Signature, WorstCase } from '#contract';
import { movedFrom, qualityOf } from './moved.ts';
import { apart, type Prediction, saidOf, shown } from './said.ts';

export interface AnswersToCompare {
  /** The version in production. */
  readonly modelVersion: string;
  readonly signature: Signature;
  readonly rows: readonly NamedRow[];
  readonly production: readonly Prediction[];
  readonly candidate: readonly Prediction[];
  /** Where it is known of all rows. */
  readonly truth?: Float64Array;
  readonly personal: readonly string[];
}

const worstCases = 20;

/** Two versions on the same requests: how many answers differ and by how much, worst first, and which is right more often. */
export function compareAnswers(input: AnswersToCompare): ProductionComparison {
  const { signature, rows, production, candidate, personal } = input;
  const pairs = rows.map((row, at) => ({
    row,
    at,
    before: production[at],
    after: candidate[at],
    difference: apart(production[at], candidate[at]),
  }));
  const other = pairs.filter(movedFrom(signature, production));
  const worst = pairs
    .filter(({ difference }) => difference > 0)
    .toSorted(
      (left, right) =>
        Number(right.before.label !== right.after.label) - Number(left.before.label !== left.after.label) ||
        right.difference - left.difference,
    )
    .slice(0, worstCases)
    .map(({ row, at, before, after, difference }): WorstCase => ({
      row: at,
      before: saidOf(before),
      after: saidOf(after),
      difference,
      inputs: shown(signature, row, personal),
    }));
  const truth = input.truth?.subarray(0, rows.length);
  const of = (answers: readonly Prediction[]) => (truth === undefined ? undefined : qualityOf(signature, truth, answers));
  const [theirs, ours] = [of(production), of(candidate)];
  return {
    modelVersion: input.modelVersion,
    rows: rows.length,
    changed: other.length / Math.max(1, rows.length),
    largest: pairs.reduce((most, { difference }) => Math.max(most, difference), 0),
    ...(theirs === undefined || ours === undefined ? {} : { metric: { name: ours.name, production: theirs.value, candidate: ours.value } }),
    worst,
  };
}
