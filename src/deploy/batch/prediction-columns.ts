import { GyreError } from '#core';
import type { Session, SessionValue, Tensor } from '#onnx';
import { thresholdRule } from '#serving';
import type { ThresholdRule } from '#serving';
import { sqlText } from '#tables';
import type { AddedColumn } from '#tables';
import type { BatchModel } from './port.ts';

/** A tensor wider than this is no columns of a table. */
const mostColumns = 1000;

/** Predictions of a part, a value for each of its rows: numbers with NaN, and texts with null, where there is none. */
export interface PredictionArrays {
  readonly numbers: readonly Float64Array<ArrayBuffer>[];
  readonly texts: readonly (string | null)[][];
}

/** How what a model says becomes columns. */
export interface PredictionColumns {
  /** The outputs that are asked for. */
  readonly outputs: readonly string[];
  readonly columns: readonly AddedColumn[];
  /** @param rows of the part */
  allocate(rows: number): PredictionArrays;
  /** Puts the outputs of a run where they belong. @param rowOf the row of the part that each row of the run is */
  take(outputs: Readonly<Record<string, Tensor>>, count: number, rowOf: (row: number) => number, into: PredictionArrays): void;
}

/**
 * The columns that a model adds: `label` and `probability_<class>` of a classifier, `value` of a regression, as the data plane answers them; of
 * any other graph its outputs by name, one of several values a row as `<name>_0`, `<name>_1`, ….
 * @throws GyreError INVALID_ARGUMENT when an output does not go by rows
 */
export function predictionColumns(
  { name, signature }: Pick<BatchModel, 'name' | 'signature'>,
  session: Pick<Session, 'outputs'>,
  prefix: string,
): PredictionColumns {
  const outputs = new Map(session.outputs.map((output) => [output.name, output]));
  const probabilities = outputs.get('probabilities');
  const value = outputs.get('prediction');
  if (signature.classes.length > 0 && probabilities !== undefined && isReal(probabilities) && outputs.get('label')?.type === 'STRING')
    return classifierColumns(name, signature.classes, thresholdRule(signature), prefix, probabilities.type === 'FLOAT');
  if (value !== undefined && isReal(value) && widthOf(name, value) === 1) return tensorColumns(name, [value], () => `${prefix}value`);
  return tensorColumns(name, session.outputs, (output, k) => `${prefix}${output}${k === undefined ? '' : `_${k}`}`);
}

const isReal = ({ type }: SessionValue): boolean => type === 'FLOAT' || type === 'DOUBLE';
const numberSql = (at: number): string => `CASE WHEN isnan("#n${at}") THEN NULL ELSE "#n${at}" END`;

function classifierColumns(
  model: string,
  classes: readonly string[],
  rule: ThresholdRule | undefined,
  prefix: string,
  isFloat: boolean,
): PredictionColumns {
  // a threshold decides floats alone, as it does in the data plane
  const threshold = isFloat ? rule : undefined;
  const codeOf = new Map(classes.map((name, code) => [name, code]));
  const cases = classes.map((name, code) => `WHEN ${code} THEN ${sqlText(name)}`).join(' ');
  return {
    // labels are texts, which cost more to bring over than the model costs to run: where a threshold decides they are not asked for
    outputs: threshold === undefined ? ['label', 'probabilities'] : ['probabilities'],
    columns: [
      { name: `${prefix}label`, sql: `CASE CAST(nullif("#n0", 'NaN'::DOUBLE) AS INTEGER) ${cases} END` },
      ...classes.map((name, k) => ({ name: `${prefix}probability_${name}`, sql: numberSql(k + 1) })),
    ],
    allocate: (rows) => ({ numbers: Array.from({ length: classes.length + 1 }, () => new Float64Array(rows).fill(NaN)), texts: [] }),
    take: (outputs, count, rowOf, { numbers: [codes, ...shares] }) => {
      const { label, probabilities } = outputs;
      if (probabilities.type === 'STRING' || probabilities.data.length !== count * classes.length)
        throw notByRows(model, 'probabilities', probabilities, count);
      const { data } = probabilities;
      const width = classes.length;
      for (let i = 0; i < count; i++) {
        const row = rowOf(i);
        for (let k = 0; k < width; k++) shares[k][row] = Number(data[i * width + k]);
        if (threshold !== undefined)
          codes[row] = Number(data[i * width + threshold.column]) >= threshold.threshold ? threshold.column : 1 - threshold.column;
      }
      if (threshold !== undefined) return;
      if (label.type !== 'STRING' || label.data.length !== count) throw notByRows(model, 'label', label, count);
      for (let i = 0; i < count; i++) codes[rowOf(i)] = codeOf.get(label.data[i]) ?? NaN;
    },
  };
}

function tensorColumns(model: string, tensors: readonly SessionValue[], nameOf: (output: string, k?: number) => string): PredictionColumns {
  const columns: AddedColumn[] = [];
  const places = tensors.map((output) => {
    const width = widthOf(model, output);
    // integers of 64 bits keep their digits as texts
    const isText = output.type === 'STRING' || output.type === 'INT64' || output.type === 'UINT64';
    return { output, width, isText };
  });
  let [numbers, texts] = [0, 0];
  const at = places.map((place) => {
    const first = place.isText ? texts : numbers;
    if (place.isText) texts += place.width;
    else numbers += place.width;
    return { ...place, first };
  });
  for (const { output, width, isText, first } of at)
    for (let k = 0; k < width; k++)
      columns.push({
        name: nameOf(output.name, width === 1 ? undefined : k),
        sql: isText ? textSql(output.type, first + k) : typedSql(output.type, first + k),
      });
  if (columns.length > mostColumns)
    throw new GyreError('INVALID_ARGUMENT', `${model} answers ${columns.length} values a row; a table gets ${mostColumns} columns at most`);
  return {
    outputs: tensors.map(({ name }) => name),
    columns,
    allocate: (rows) => ({
      numbers: Array.from({ length: numbers }, () => new Float64Array(rows).fill(NaN)),
      texts: Array.from({ length: texts }, () => new Array<string | null>(rows).fill(null)),
    }),
    take: (outputs, count, rowOf, into) => {
      for (const { output, width, isText, first } of at) {
        const tensor = outputs[output.name];
        if (tensor.data.length !== count * width) throw notByRows(model, output.name, tensor, count);
        const { data } = tensor;
        for (let i = 0; i < count; i++) {
          const row = rowOf(i);
          for (let k = 0; k < width; k++) {
            if (isText) into.texts[first + k][row] = String(data[i * width + k]);
            else into.numbers[first + k][row] = Number(data[i * width + k]);
          }
        }
      }
    },
  };
}

const textSql = (type: SessionValue['type'], at: number): string =>
  type === 'STRING' ? `"#t${at}"` : `CAST("#t${at}" AS ${type === 'INT64' ? 'BIGINT' : 'UBIGINT'})`;

function typedSql(type: SessionValue['type'], at: number): string {
  if (type === 'FLOAT' || type === 'DOUBLE' || type === 'FLOAT16') return numberSql(at);
  const value = `nullif("#n${at}", 'NaN'::DOUBLE)`;
  return type === 'BOOL' ? `${value} <> 0` : `CAST(${value} AS BIGINT)`;
}

function widthOf(model: string, { name, shape }: SessionValue): number {
  const width = (shape ?? []).slice(1).reduce<number>((product, axis) => (typeof axis === 'number' ? product * axis : NaN), 1);
  if (shape !== null && shape.length > 0 && width >= 1 && width <= mostColumns) return width;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `the output "${name}" of ${model} has the shape [${(shape ?? ['unknown']).join(', ')}]: only what answers a fixed number of values for each row, ${mostColumns} at most, becomes columns of a table`,
    { output: name },
  );
}

function notByRows(model: string, output: string, { shape }: Tensor, rows: number): GyreError {
  return new GyreError(
    'FAILED_PRECONDITION',
    `${model} does not answer row by row: "${output}" has the shape [${shape.join(', ')}] for ${rows} rows`,
    { output },
  );
}
