import type { Explanation, InputColumn, NamedRow, Transform } from '#contract';
import { GyreError } from '#core';
import type { FeatureMatrix } from '#features';
import { cellOf, frameFromRecords, takeRows } from '#tables';
import type { Frame } from '#tables';
import type { TrainedModel } from '#training';
import type { ExplainRequest } from './port.ts';

const mostRows = 1000;

export type ExplainOptions = Pick<ExplainRequest, 'rows' | 'groupBy' | 'class' | 'model'>;
type Part = Explanation['contributions'][number];

/** @throws GyreError INVALID_ARGUMENT when a record lacks a column that the model needs or has a value of another type */
export function asFrame(inputs: readonly InputColumn[], rows: Frame | readonly NamedRow[]): Frame {
  if (!isRecords(rows)) return rows;
  rows.forEach((record, row) => {
    const lacking = inputs.filter(({ name, required }) => required && (record[name] ?? null) === null).map(({ name }) => name);
    if (lacking.length > 0)
      throw new GyreError('INVALID_ARGUMENT', `row ${row} lacks ${lacking.map((name) => `"${name}"`).join(', ')}, which the model needs`, {
        row,
        lacking,
      });
  });
  // A category that training saw as a number in every row may come as an integer or a decimal: the layout is the same.
  return frameFromRecords(
    rows,
    inputs.map(({ name, type }) => ({ name, type: type === 'integer' ? 'number' : type })),
  );
}

function isRecords(rows: Frame | readonly NamedRow[]): rows is readonly NamedRow[] {
  return Array.isArray(rows);
}

/** The rows at the positions asked for. @throws GyreError INVALID_ARGUMENT for a position beyond the table, or too many rows */
export function rowsToExplain(frame: Frame, positions: readonly number[] | undefined): Frame {
  const wanted = positions ?? Array.from({ length: frame.rows }, (_, row) => row);
  if (wanted.length > mostRows)
    throw new GyreError('INVALID_ARGUMENT', `${wanted.length} rows are too many to explain at once: ${mostRows} are the most`, {
      rows: wanted.length,
    });
  const beyond = wanted.find((row) => !(Number.isInteger(row) && row >= 0 && row < frame.rows));
  if (beyond !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `there is no row ${beyond}: the rows are 0 to ${frame.rows - 1}`, { row: beyond });
  return positions === undefined ? frame : takeRows(frame, Int32Array.from(wanted));
}

/**
 * What moved each row's margin: one part per feature, or per raw column (or set of columns) behind the features.
 * @param matrix the features of the same rows
 * @throws GyreError INVALID_ARGUMENT for a class that the model does not have
 */
export async function explainRows(
  model: TrainedModel,
  frame: Frame,
  matrix: FeatureMatrix,
  options: ExplainOptions,
): Promise<Explanation[]> {
  const { groupBy = 'feature' } = options;
  const { outputs, baseValues, values, margins, features } = await model.contributions(frame);
  return Array.from({ length: frame.rows }, (_, row): Explanation => {
    const output = classIndex(model, options.class, margins.subarray(row * outputs, (row + 1) * outputs));
    const start = (row * outputs + output) * features.length;
    const parts = features.map((feature, column): Part & { readonly from: string } => {
      const from = columnsOf(model.transform, feature);
      const value = from.length === 1 ? rawValue(frame, from[0], row) : featureValue(matrix, row, column);
      return { feature, value, contribution: values[start + column], from: from.join(', ') };
    });
    const named =
      groupBy === 'column'
        ? byColumn(parts, frame, row)
        : parts.map(({ feature, value, contribution }) => ({ feature, value, contribution }));
    const about = model.transform.task === 'binary' ? model.classes[1] : model.classes[output];
    return {
      model: options.model ?? model.run.id,
      method: model.trainer === 'gbdt' ? 'tree_shap' : 'linear',
      ...(about === undefined ? {} : { class: about }),
      base: baseValues[output],
      margin: margins[row * outputs + output],
      contributions: named.toSorted((left, right) => Math.abs(right.contribution) - Math.abs(left.contribution)),
    };
  });
}

function classIndex(model: TrainedModel, asked: string | undefined, margins: Float64Array): number {
  if (asked !== undefined && margins.length === 1 && asked !== model.classes[1])
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the margin of this model speaks of ${model.classes[1] === undefined ? 'a number' : `"${model.classes[1]}"`}, not of "${asked}"`,
      { class: asked },
    );
  if (asked === undefined || margins.length === 1) return margins.reduce((best, margin, k) => (margin > margins[best] ? k : best), 0);
  const index = model.classes.indexOf(asked);
  if (index >= 0) return index;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `the model has no class "${asked}": it has ${model.classes.map((name) => `"${name}"`).join(', ')}`,
    { class: asked },
  );
}

function columnsOf(transform: Transform, feature: string): readonly string[] {
  return transform.features.find(({ name }) => name === feature)?.from ?? [];
}

function rawValue(frame: Frame, column: string, row: number): Part['value'] {
  const cell = cellOf(frame.column(column), frame.typeOf(column), row);
  return typeof cell === 'boolean' ? String(cell) : cell;
}

function featureValue({ values, columns }: FeatureMatrix, row: number, column: number): number | null {
  const value = values[row * columns + column];
  return Number.isFinite(value) ? value : null;
}

/** Contributions add up, so the features that come from the same raw columns are one part together. */
function byColumn(parts: readonly (Part & { readonly from: string })[], frame: Frame, row: number): Part[] {
  const sums = new Map<string, number>();
  for (const { from, contribution } of parts) sums.set(from, (sums.get(from) ?? 0) + contribution);
  return [...sums].map(([feature, contribution]) => ({
    feature,
    value: frame.has(feature) ? rawValue(frame, feature, row) : null,
    contribution,
  }));
}
