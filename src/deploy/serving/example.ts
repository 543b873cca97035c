import { encodeRows } from '#contract';
import type { InputColumn, NamedRow, Signature } from '#contract';
import { GyreError } from '#core';
import type { Feeds, SessionValue, Tensor } from '#onnx';
import { zeros } from './tensor-rows.ts';

/** Rows that a model is warmed up and measured with: the package's input example, or made from the signature. */
export interface Example {
  readonly feeds: Feeds;
  /** True for the package's own example: a model that fails on it is not served. */
  readonly given: boolean;
}

/**
 * One row for a model.
 * @param inputExample the text of the package's `input_example.json`: MLflow's `{"columns": […], "data": [[…]]}`, or rows with named columns
 */
export function exampleOf(signature: Signature, inputs: readonly SessionValue[], inputExample: string | undefined): Example {
  const [row] = inputExample === undefined ? [] : rowsOf(inputExample);
  if (row !== undefined && signature.inputs.length > 0) {
    const known = new Set(signature.inputs.map(({ name }) => name));
    const plain = signature.inputs.filter(({ image }) => image === undefined);
    const named = Object.fromEntries(Object.entries(row).filter(([name]) => plain.some((column) => column.name === name)));
    // A black picture warms up as well as any other.
    const pictures = inputs.filter(({ name }) => known.has(name) && !plain.some((column) => column.name === name));
    return {
      feeds: { ...feedsOfRows(plain, [named]), ...Object.fromEntries(pictures.map((input) => [input.name, typical(input, undefined)])) },
      given: true,
    };
  }
  const columns = new Map(signature.inputs.map((column) => [column.name, column]));
  return { feeds: Object.fromEntries(inputs.map((input) => [input.name, typical(input, columns.get(input.name))])), given: false };
}

/**
 * Rows with named columns as the tensors of a model.
 * @throws RowError (INVALID_ARGUMENT) naming row and column when they do not fit
 */
export function feedsOfRows(inputs: readonly InputColumn[], rows: readonly NamedRow[]): Feeds {
  const encoded = encodeRows(inputs, rows);
  const feeds: Record<string, Tensor> = {};
  for (const { name } of inputs) {
    const column = encoded[name];
    feeds[name] =
      column.datatype === 'BYTES'
        ? { type: 'STRING', shape: column.shape, data: column.data }
        : { type: 'DOUBLE', shape: column.shape, data: column.data };
  }
  return feeds;
}

function rowsOf(text: string): NamedRow[] {
  const json: unknown = JSON.parse(text);
  if (Array.isArray(json)) return json.filter(isRow);
  if (!isObject(json)) return [];
  for (const member of ['dataframe_split', 'inputs', 'rows'] as const) {
    if (isObject(json[member]) || Array.isArray(json[member])) return rowsOf(JSON.stringify(json[member]));
  }
  const { columns, data } = json;
  if (Array.isArray(columns) && Array.isArray(data)) {
    return data
      .filter((values): values is unknown[] => Array.isArray(values))
      .map((values) => Object.fromEntries(columns.map((name, at): [string, unknown] => [String(name), values[at] ?? null])))
      .filter(isRow);
  }
  return isRow(json) ? [json] : [];
}

function isRow(value: unknown): value is NamedRow {
  return isObject(value) && Object.values(value).every((cell) => cell === null || ['number', 'string', 'boolean'].includes(typeof cell));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Values that one row of an input may have: no request could hold more, and measuring the model would take the memory of all others. */
const mostValues = 2 ** 27;

/**
 * A value from the middle of what training saw; zeros where nothing is known.
 * @throws GyreError INVALID_ARGUMENT when the model declares an input that nobody could send
 */
function typical(input: SessionValue, column: InputColumn | undefined): Tensor {
  const shape = (input.shape ?? []).map((axis) => (typeof axis === 'number' ? axis : 1));
  const size = shape.reduce((product, axis) => product * axis, 1);
  if (size > mostValues)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the model declares its input "${input.name}" as [${shape.join(', ')}], ${size} values at once; at most ${mostValues} are taken`,
      { input: input.name },
    );
  if (input.type === 'STRING') {
    const category = column?.categories?.[0] ?? '';
    return { type: 'STRING', shape, data: Array.from({ length: size }, () => category) };
  }
  const tensor = zeros(input.type, shape);
  if (tensor.type === 'DOUBLE' && column?.range !== undefined) tensor.data.fill((column.range[0] + column.range[1]) / 2);
  return tensor;
}
