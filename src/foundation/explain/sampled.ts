import type { RowExplanation, Signature } from '#contract';
import { GyreError } from '#core';
import type { Feeds, Session } from '#onnx';
import { coalitionsOf } from './coalitions.ts';
import type { ExplainAnswerParts } from './exact.ts';
import { fitShapley } from './kernel-shap.ts';
import { rowsOf } from './request.ts';
import type { Background, ExplainJob, Patience } from './request.ts';
import { chosenColumn, nameOf, scoredOutput, scoresOf } from './scored-output.ts';
import { columnsOf, mixedRows, shown, takeRows, valueAt } from './table-rows.ts';
import type { Column } from './table-rows.ts';

/** Rows of one run of the model: a bound on memory, and how long nobody looks at the time. */
const rowsAtOnce = 2048;
/** More columns are pixels or words, which single contributions say nothing about. */
const mostColumns = 1000;

/**
 * Shapley values of any model on columns by KernelSHAP: the model is asked what it gives when only some columns of the row are known and the others are
 * those of the background's rows.
 * @throws GyreError INVALID_ARGUMENT for inputs that are no table, or an output or class there is not
 */
export async function explainBySampling(
  session: Session,
  signature: Signature,
  { feeds, options, background }: ExplainJob,
  patience: Patience,
): Promise<ExplainAnswerParts> {
  const columns = columnsOf(session.inputs, feeds);
  if (columns === undefined || columns.length > mostColumns)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `kernel_shap explains rows of at most ${mostColumns} columns; this model takes ${columns === undefined ? 'tensors of more axes' : `${columns.length}`}: ask for occlusion if they are images`,
    );
  const output = scoredOutput(session, signature, options.output);
  const model = async (rows: Feeds): Promise<ReturnType<typeof scoresOf>> => {
    patience();
    const answered = await session.run(rows, { outputs: [output.name] });
    return scoresOf(answered[output.name], rowsOf(rows));
  };
  const scores = await model(feeds);
  const basis = await model(background.feeds);
  if (scores.width !== basis.width || !Number.isInteger(scores.width))
    throw new GyreError('INVALID_ARGUMENT', `the output "${output.name}" is not one vector a row: it cannot be explained by rows`);
  const { width } = scores;
  const explanations: RowExplanation[] = [];
  for (let row = 0; row < rowsOf(feeds); row++) {
    const own = scores.values.subarray(row * width, (row + 1) * width);
    const column = chosenColumn(output, own, options.class);
    const about = nameOf(output, column, width);
    const alone = takeRows(feeds, [row]);
    const base = weightedMean(basis.values, width, column, background.weights, 0);
    const { varying, values, r2, coalitions, of } = await shapley(columns, alone, background, {
      base,
      output: own[column],
      budget: options.samples ?? 2 * columns.length + 2048,
      ask: async (rows) => {
        const answered = await model(rows);
        const sets = rowsOf(rows) / background.weights.length;
        return Array.from({ length: sets }, (_, at) => weightedMean(answered.values, width, column, background.weights, at));
      },
    });
    const contributions = columns.map((each) => {
      const at = varying.indexOf(each);
      return { feature: each.name, value: shown(valueAt(alone, each, 0)), contribution: at < 0 ? 0 : values[at] };
    });
    contributions.sort((left, right) => Math.abs(right.contribution) - Math.abs(left.contribution));
    const sum = contributions.reduce((total, { contribution }) => total + contribution, base);
    explanations.push({
      ...(about === undefined ? {} : { class: about }),
      base,
      margin: own[column],
      contributions,
      residual: own[column] - sum,
      fidelity: { r2, coalitions, of },
    });
  }
  return {
    method: 'kernel_shap',
    scale: output.scale,
    background: { kind: background.kind, rows: background.weights.length },
    explanations,
  };
}

interface Asked {
  readonly base: number;
  readonly output: number;
  readonly budget: number;
  /** The model's mean output for each set of a run of mixed rows. */
  readonly ask: (rows: Feeds) => Promise<readonly number[]>;
}

interface Shapley {
  /** The columns in which the row differs from the background at all. */
  readonly varying: readonly Column[];
  readonly values: Float64Array;
  readonly r2: number;
  readonly coalitions: number;
  readonly of: number;
}

async function shapley(
  columns: readonly Column[],
  row: Feeds,
  background: Background,
  { base, output, budget, ask }: Asked,
): Promise<Shapley> {
  const rows = background.weights.length;
  const varying = columns.filter((column) => {
    const own = valueAt(row, column, 0);
    return Array.from({ length: rows }, (_, b) => valueAt(background.feeds, column, b)).some((value) => !Object.is(value, own));
  });
  const whole = { varying, r2: 1, coalitions: 0, of: 2 ** varying.length };
  if (varying.length === 0) return { ...whole, values: new Float64Array() };
  if (varying.length === 1) return { ...whole, values: Float64Array.of(output - base) };
  const coalitions = coalitionsOf(varying.length, budget);
  const differs = columns.map((column) => varying.indexOf(column));
  const outputs: number[] = [];
  const setsAtOnce = Math.max(1, Math.floor(rowsAtOnce / rows));
  for (let from = 0; from < coalitions.sets.length; from += setsAtOnce) {
    const known = coalitions.sets.slice(from, from + setsAtOnce).map((set) => differs.map((at) => at < 0 || set[at]));
    outputs.push(...(await ask(mixedRows(columns, row, background.feeds, rows, known))));
  }
  const { values, r2 } = fitShapley(coalitions, outputs, base, output);
  return { ...whole, values, r2, coalitions: coalitions.sets.length };
}

function weightedMean(values: Float64Array, width: number, column: number, weights: readonly number[], set: number): number {
  let sum = 0;
  let total = 0;
  weights.forEach((weight, b) => {
    sum += weight * values[(set * weights.length + b) * width + column];
    total += weight;
  });
  return sum / total;
}
