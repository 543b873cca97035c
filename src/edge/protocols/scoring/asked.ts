import type { InputColumn, NamedRow } from '#contract';
import { GyreError } from '#core';
import { datatypeOf, flatten, mostAxes, tensorOf } from '#oip';
import type { Feeds, Tensor } from '#oip';
import { askedOfRows } from '#serving';
import type { Images, ServedModel } from '#serving';

/** What a request asks, fitted to a model. */
export interface Asked {
  readonly feeds: Feeds;
  /** For a model with named columns, the rows as they were said. */
  readonly rows?: readonly NamedRow[];
  readonly images?: Images;
}

type Members = Readonly<Record<string, unknown>>;

const invalid = (message: string): GyreError => new GyreError('INVALID_ARGUMENT', message);

/** Whether callers name the model's columns; otherwise they name its tensors. */
export const hasColumns = ({ entry }: ServedModel): boolean => entry.signature.inputs.length > 0;

/**
 * Instances, one after the other: each an object of named columns or tensors, an array of the columns in their order, or the value of the only input.
 * @throws GyreError INVALID_ARGUMENT naming instance and column or input
 */
export function askInstances(model: ServedModel, instances: unknown): Asked {
  if (!Array.isArray(instances)) throw invalid('the instances must be an array');
  if (hasColumns(model)) {
    const { inputs } = model.entry.signature;
    return askRows(
      inputs,
      instances.map((instance: unknown, at) => rowOf(inputs, instance, at)),
    );
  }
  const { inputs } = model.loaded;
  const areNamed = instances.some((instance) => isObject(instance) && !isBase64(instance));
  if (!areNamed) {
    if (inputs.length !== 1)
      throw invalid(
        `each instance must be an object of ${inputs.map(({ name }) => `"${name}"`).join(', ')}: the model has ${inputs.length} inputs`,
      );
    return { feeds: { [inputs[0].name]: tensorOfJson(instances, inputs[0]) } };
  }
  for (const [at, instance] of instances.entries()) {
    if (!isObject(instance)) throw invalid(`instance ${at} must be an object, as the others are`);
    requireKnown(Object.keys(instance), model, `instance ${at}`);
  }
  return {
    feeds: Object.fromEntries(
      inputs.map((input) => {
        const values = instances.map((instance: unknown, at) => {
          const value = isObject(instance) ? instance[input.name] : undefined;
          if (value === undefined) throw invalid(`instance ${at} lacks the input "${input.name}"`);
          return value;
        });
        return [input.name, tensorOfJson(values, input)];
      }),
    ),
  };
}

/**
 * Tensors with all rows in each, by name; or that of the only input.
 * @throws GyreError INVALID_ARGUMENT naming the input or column
 */
export function askTensors(model: ServedModel, tensors: unknown): Asked {
  const known = hasColumns(model) ? model.entry.signature.inputs : model.loaded.inputs;
  const named: Members = isObject(tensors) && !isBase64(tensors) ? tensors : { [only(known)]: tensors };
  requireKnown(Object.keys(named), model, 'the request');
  if (!hasColumns(model)) {
    const { inputs } = model.loaded;
    return {
      feeds: Object.fromEntries(
        inputs.map((input) => {
          if (named[input.name] === undefined) throw invalid(`the input "${input.name}" is missing`);
          return [input.name, tensorOfJson(named[input.name], input)];
        }),
      ),
    };
  }
  const columns = Object.entries(named).map(([name, values]) => {
    if (!Array.isArray(values)) throw invalid(`the column "${name}" must be an array with a value for each row`);
    return [name, values as readonly unknown[]] as const;
  });
  const count = columns[0]?.[1].length ?? 0;
  const uneven = columns.find(([, values]) => values.length !== count);
  if (uneven !== undefined) throw invalid(`the column "${uneven[0]}" has ${uneven[1].length} values, "${columns[0][0]}" has ${count}`);
  const rows = Array.from({ length: count }, (_, at) =>
    Object.fromEntries(
      columns.map(([name, values]) => [name, cellOf(values[at], at, name, isPicture(model.entry.signature.inputs, name))]),
    ),
  );
  return askRows(model.entry.signature.inputs, rows);
}

/** Rows with named columns. @throws GyreError INVALID_ARGUMENT naming row and column */
export function askRows(inputs: readonly InputColumn[], rows: readonly NamedRow[]): Asked {
  return askedOfRows(inputs, rows);
}

function rowOf(inputs: readonly InputColumn[], instance: unknown, at: number): NamedRow {
  const cell = (name: string, value: unknown): NamedRow[string] => cellOf(value, at, name, isPicture(inputs, name));
  if (isObject(instance) && !isBase64(instance))
    return Object.fromEntries(Object.entries(instance).map(([name, value]) => [name, cell(name, value)]));
  const values = Array.isArray(instance) ? instance : [instance];
  if (values.length !== inputs.length)
    throw invalid(`row ${at} has ${values.length} values; the model takes ${inputs.map(({ name }) => name).join(', ')}`);
  return Object.fromEntries(inputs.map(({ name }, index) => [name, cell(name, values[index])]));
}

const isPicture = (inputs: readonly InputColumn[], column: string): boolean =>
  inputs.some(({ name, image }) => name === column && image !== undefined);

/** A value of a column; in an array of one, as clients send columns that are tensors; of a picture its base64. @throws GyreError INVALID_ARGUMENT */
export function cellOf(value: unknown, row: number, column: string, isImage = false): NamedRow[string] {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value) && value.length === 1 && !Array.isArray(value[0])) return cellOf(value[0], row, column, isImage);
  if (isBase64(value)) return isImage ? value.b64 : textOfBase64(value.b64, column);
  throw invalid(`row ${row}, column "${column.slice(0, 60)}": a number, string, boolean or null is wanted`);
}

/** A tensor of the model's own type; its shape is how the values are nested. */
function tensorOfJson(value: unknown, { name, type }: ServedModel['loaded']['inputs'][number]): Tensor {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) {
    shape.push(inner.length);
    if (shape.length > mostAxes) throw invalid(`the input "${name}" is nested deeper than any tensor`);
  }
  const flat = Array.isArray(value) ? flatten(value, shape, name) : [value];
  const datatype = datatypeOf[type];
  return tensorOf(
    datatype === 'BYTES' ? flat.map((one) => (isBase64(one) ? textOfBase64(one.b64, name) : one)) : flat,
    shape,
    datatype,
    datatype,
    name,
  );
}

/** TensorFlow Serving's way to send bytes in JSON. */
function isBase64(value: unknown): value is { readonly b64: string } {
  return isObject(value) && typeof value.b64 === 'string' && Object.keys(value).length === 1;
}

function textOfBase64(text: string, name: string): string {
  const bytes = Buffer.from(text, 'base64');
  const decoded = bytes.toString('utf8');
  if (Buffer.from(decoded).equals(bytes)) return decoded;
  throw invalid(`"${name}" holds bytes that are no text in UTF-8, which the model takes`);
}

function only(known: readonly { readonly name: string }[]): string {
  if (known.length === 1) return known[0].name;
  throw invalid(`the model has ${known.length} inputs: name each, ${known.map(({ name }) => `"${name}"`).join(', ')}`);
}

function requireKnown(names: readonly string[], model: ServedModel, where: string): void {
  const known = (hasColumns(model) ? model.entry.signature.inputs : model.loaded.inputs).map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw invalid(
      `${where} has "${unknown.slice(0, 60)}", which ${model.entry.name} does not take; it takes ${known.map((name) => `"${name}"`).join(', ')}`,
    );
}

export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
