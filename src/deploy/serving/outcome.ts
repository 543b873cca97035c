import type { NamedRow, PredictAnswer, Signature } from '#contract';
import { isoInstant } from '#core';
import type { Feeds, Tensor } from '#onnx';
import type { Outputs } from './batcher.ts';

/** What a model says about one row: a label with probabilities, or a value. */
export type Outcome = Omit<PredictAnswer['predictions'][number], 'id'>;

/** A tensor with more values in a row is too large for the log; its type and shape are logged instead. */
const loggedValues = 64;
/** The last instant that ECMAScript's time has; the first is as far before 1970. */
const furthestInstant = 8.64e15;

/** How labels follow from probabilities by a model's own threshold. */
export interface ThresholdRule {
  /** The column of the probabilities that is compared. */
  readonly column: number;
  /** What is said where the probability is not below the threshold, and where it is. */
  readonly positive: string;
  readonly negative: string;
  readonly threshold: number;
}

/** @returns undefined for a model that decides by the largest probability */
export function thresholdRule({ classes, positive, threshold }: Signature): ThresholdRule | undefined {
  if (positive === undefined || threshold === undefined || classes.length !== 2) return undefined;
  const column = classes.indexOf(positive);
  return column < 0 ? undefined : { column, positive, negative: classes[1 - column], threshold };
}

/**
 * Decides labels by the model's own threshold, where its signature has one: `positive` where its probability is not below the threshold.
 * @returns the outputs, `label` decided; the same object for a model that decides by the largest probability
 */
export function decide(signature: Signature, outputs: Outputs): Outputs {
  const { label, probabilities } = outputs;
  const rule = thresholdRule(signature);
  if (rule === undefined || label?.type !== 'STRING' || probabilities?.type !== 'FLOAT') return outputs;
  const { column, positive, negative, threshold } = rule;
  const decided = label.data.map((_, row) => (probabilities.data[row * 2 + column] >= threshold ? positive : negative));
  return { ...outputs, label: { ...label, data: decided } };
}

/**
 * What the model says, row by row.
 * @param outputs as `decide` gives them
 * @returns undefined for a model whose outputs are none of a classifier or a regression
 */
export function outcomesOf(signature: Signature, outputs: Outputs, rows: number): Outcome[] | undefined {
  const { label, probabilities, prediction } = outputs;
  const { classes } = signature;
  if (
    label?.type === 'STRING' &&
    probabilities !== undefined &&
    isReal(probabilities) &&
    probabilities.data.length === rows * classes.length
  ) {
    const outcomes: Outcome[] = [];
    for (let row = 0; row < rows; row++) {
      const shares: Record<string, number> = {};
      for (let k = 0; k < classes.length; k++) shares[classes[k]] = probabilities.data[row * classes.length + k];
      outcomes.push({ label: label.data[row], probabilities: shares });
    }
    return outcomes;
  }
  if (prediction !== undefined && isReal(prediction) && prediction.data.length === rows) {
    return Array.from(prediction.data, (value) => ({ value }));
  }
  return undefined;
}

function isReal(tensor: Tensor): tensor is Extract<Tensor, { type: 'FLOAT' | 'DOUBLE' }> {
  return tensor.type === 'FLOAT' || tensor.type === 'DOUBLE';
}

/** How a signature's tensors are read for the log: made once, since every request is logged. */
class Reading {
  /** Kinds of columns, by the tensor's name. */
  readonly types: ReadonlyMap<string, string>;
  readonly #columns = new Map<string, readonly string[]>();
  readonly #keys = new Map<string, { readonly keys: readonly string[]; readonly isFirst: boolean }>();

  constructor({ inputs }: Signature) {
    this.types = new Map(inputs.map(({ name, type }) => [name, type]));
  }

  /**
   * The names of a tensor's values as a row's JSON has them, each with the mark before it.
   * @param width values of one row; 1: the tensor's own name @param isFirst whether the row begins with them
   */
  keysOf(tensor: string, width: number, isFirst: boolean): readonly string[] {
    const known = this.#keys.get(tensor);
    if (known?.keys.length === width && known.isFirst === isFirst) return known.keys;
    const names = width === 1 ? [tensor] : this.namesOf(tensor, width);
    const keys = names.map((name, at) => `${isFirst && at === 0 ? '{' : ','}${JSON.stringify(name)}:`);
    this.#keys.set(tensor, { keys, isFirst });
    return keys;
  }

  /** The columns of a wide tensor. */
  namesOf(tensor: string, width: number): readonly string[] {
    const known = this.#columns.get(tensor);
    if (known?.length === width) return known;
    const names = Array.from({ length: width }, (_, k) => `${tensor}[${k}]`);
    this.#columns.set(tensor, names);
    return names;
  }
}

const readings = new WeakMap<Signature, Reading>();

export function readingOf(signature: Signature): Reading {
  return readings.getOrInsertComputed(signature, () => new Reading(signature));
}

/** @param width values of one row */
export function tooWide(width: number): boolean {
  return width > loggedValues;
}

/** A request's tensors as rows with named columns, for the log: missing values are null, booleans and instants as rows would say them. */
export function namedRows(signature: Signature, feeds: Feeds, rows: number): NamedRow[] {
  const reading = readingOf(signature);
  const named = Array.from({ length: rows }, (): Record<string, NamedRow[string]> => ({}));
  for (const [name, tensor] of Object.entries(feeds)) {
    const width = tensor.data.length / rows;
    const type = reading.types.get(name);
    if (tooWide(width)) {
      for (const row of named) row[name] = `${tensor.type} [${tensor.shape.slice(1).join(', ')}]`;
    } else if (width === 1) {
      for (let row = 0; row < rows; row++) named[row][name] = cellOf(tensor.data[row], type);
    } else {
      const names = reading.namesOf(name, width);
      for (let row = 0; row < rows; row++)
        for (let k = 0; k < width; k++) named[row][names[k]] = cellOf(tensor.data[row * width + k], type);
    }
  }
  return named;
}

/** One value as a row says it: missing ones are null, booleans and instants as themselves. @param type the column's, where a signature says it */
export function cellOf(value: number | bigint | string, type: string | undefined): NamedRow[string] {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === 'string') return value === '' && type !== undefined ? null : value;
  if (!Number.isFinite(value)) return null;
  if (type === 'boolean') return value !== 0;
  return type === 'instant' && Math.abs(value) <= furthestInstant ? isoInstant(value) : value;
}

/** Outputs of a model of neither kind, row by row, for the log. */
export function outputRows(outputs: Outputs, rows: number): Record<string, unknown>[] {
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]): [string, unknown] => {
        const width = tensor.data.length / rows;
        if (!Number.isInteger(width) || tooWide(width)) return [name, `${tensor.type} [${tensor.shape.slice(1).join(', ')}]`];
        const values = Array.from({ length: width }, (__, k) => cellOf(tensor.data[row * width + k], undefined));
        return [name, width === 1 ? values[0] : values];
      }),
    ),
  );
}
