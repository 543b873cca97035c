import type { NamedRow, ProductionComparison, Signature, WorstCase } from '#contract';
import { computeMetrics, standardDeviation } from '#stats';
import { apart, type Prediction, saidOf, shown } from './said.ts';

export interface AnswersToCompare {
  /** The version in production. */
  readonly modelVersion: string;
  readonly signature: Signature;
  readonly rows: readonly NamedRow[];
  readonly production: readonly Prediction[];
  readonly candidate: readonly Prediction[];
  readonly truth: Float64Array;
  /** Scores of answers as `#stats` takes them. */
  readonly scores: (answers: readonly Prediction[]) => Float64Array;
  readonly personal: readonly string[];
}

const worstCases = 20;
/** Of a regression: a value that moved by less is the same answer. */
const movedShare = 0.1;

/** Two versions on the same requests: how many answers differ and by how much, worst first, and which is right more often. */
export function compareAnswers(input: AnswersToCompare): ProductionComparison {
  const { signature, rows, production, candidate, personal } = input;
  const spread = signature.task === 'regression' ? standardDeviation(production.map(({ value }) => value ?? Number.NaN)) : 0;
  const pairs = rows.map((row, at) => ({
    row,
    at,
    before: production[at],
    after: candidate[at],
    by: apart(production[at], candidate[at]),
  }));
  const other = pairs.filter(({ before, after, by }) =>
    before.label === undefined ? by > movedShare * spread : before.label !== after.label,
  );
  const worst = pairs
    .filter(({ by }) => by > 0)
    .toSorted(
      (left, right) =>
        Number(right.before.label !== right.after.label) - Number(left.before.label !== left.after.label) || right.by - left.by,
    )
    .slice(0, worstCases)
    .map(({ row, at, before, after, by }): WorstCase => ({
      row: at,
      before: saidOf(before),
      after: saidOf(after),
      difference: by,
      inputs: shown(signature, row, personal),
    }));
  const metric = metricOf(input);
  return {
    modelVersion: input.modelVersion,
    rows: rows.length,
    changed: other.length / Math.max(1, rows.length),
    largest: pairs.reduce((most, { by }) => Math.max(most, by), 0),
    ...(metric === undefined ? {} : { metric }),
    worst,
  };
}

function metricOf({ signature, rows, truth, scores, production, candidate }: AnswersToCompare): ProductionComparison['metric'] {
  const { task, threshold = 0.5 } = signature;
  if (task === undefined) return undefined;
  const name = task === 'regression' ? 'r2' : 'accuracy';
  const of = (answers: readonly Prediction[]) =>
    computeMetrics(task, truth.subarray(0, rows.length), scores(answers), threshold, [name])[name];
  const [theirs, ours] = [of(production), of(candidate)];
  return theirs === undefined || ours === undefined ? undefined : { name, production: theirs, candidate: ours };
}
