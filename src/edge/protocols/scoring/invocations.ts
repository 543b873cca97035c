import type { NamedRow } from '#contract';
import { GyreError } from '#core';
import { describeError } from '#oip';
import {
  askedOfPictures,
  askedType,
  callerOf,
  parseJson,
  picturesOf,
  predictionHeaders,
  requestFault,
  timeoutOfHeader,
  utf8Text,
} from '#serving';
import type { Answer, Exchange, Inferred, Plane, Route, ServedModel } from '#serving';
import { nested, namedOutputs, perRow } from './answered.ts';
import { askInstances, askRows, askTensors, cellOf, hasColumns, isObject } from './asked.ts';
import type { Asked } from './asked.ts';
import type { VertexRoutes } from './vertex.ts';
import { readCsv } from './csv.ts';

/** A container of SageMaker's answers with it what the caller is to be told. */
const customAttributes = 'x-amzn-sagemaker-custom-attributes';
/** What an output is called here that its signature gives no name. */
const unnamed = /^(?:tensor|output)(?: 1)?$/;
const lineTypes = ['text/csv', 'application/jsonlines', 'application/x-jsonlines'] as const;

/** What a platform that runs containers of its own kind asks of them. */
export type Container = 'sagemaker' | VertexRoutes;

export interface ScoringOptions {
  readonly plane: Plane;
  /** Gyre's. */
  readonly version: string;
  readonly container?: Container | undefined;
}

/** MLflow's names of a request's content, one of which it has. */
const contents = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;

/**
 * The scoring protocol of `mlflow models serve` (mlflow.org, "MLflow Model Serving"), which SageMaker's containers speak too: the endpoint's
 * model at `/invocations`, from JSON or CSV.
 */
export function invocationRoutes({ plane, version, container }: ScoringOptions): readonly Route[] {
  const alive = (): Answer => ({
    status: plane.ready ? 200 : 503,
    body: JSON.stringify({ status: plane.ready ? 'Healthy' : 'Unhealthy' }),
  });
  return [
    {
      name: 'invocations',
      method: 'POST',
      path: '/invocations',
      infers: true,
      handle: (exchange) => invoke(plane, exchange, container === 'sagemaker'),
    },
    { name: 'ping', method: 'GET', path: '/ping', open: true, handle: alive },
    { name: 'health', method: 'GET', path: '/health', open: true, handle: alive },
    { name: 'version', method: 'GET', path: '/version', handle: () => ({ status: 200, type: 'text/plain', body: version }) },
  ];
}

/** Errors have MLflow's members too, for the clients that read these. */
async function invoke(plane: Plane, exchange: Exchange, isSageMaker: boolean): Promise<Answer> {
  try {
    return await predict(plane, exchange, isSageMaker);
  } catch (error) {
    const said = describeError(error);
    const { error: message } = JSON.parse(String(said.body)) as { readonly error: string };
    const code = said.status < 500 ? (said.status === 404 ? 'RESOURCE_DOES_NOT_EXIST' : 'BAD_REQUEST') : 'INTERNAL_ERROR';
    if (said.status >= 500 && said.status !== 503 && said.status !== 504) throw error;
    return { ...said, body: JSON.stringify({ error: message, error_code: code, message }) };
  }
}

async function predict(plane: Plane, exchange: Exchange, isSageMaker: boolean): Promise<Answer> {
  const { bytes } = await exchange.any();
  const type = askedType(exchange);
  const pictures = await picturesOf(bytes, type);
  const text = pictures === undefined ? utf8Text(bytes) : '';
  using lease = plane.lease(plane.manifest.endpoint, undefined, callerOf(exchange.headers));
  const { asked, isFrame } =
    pictures !== undefined
      ? { asked: askedOfPictures(lease.model.entry, pictures), isFrame: false }
      : /^text\/csv\b/i.test(type)
        ? ofCsv(lease.model, text)
        : ofJson(lease.model, text, type);
  const timeoutMs = timeoutOfHeader(exchange.headers);
  const inferred = await lease.infer({
    ...asked,
    receivedMs: exchange.receivedMs,
    note: exchange.note,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const headers = predictionHeaders(lease.manifest.generation, inferred);
  return {
    status: 200,
    ...written(predictionsOf(lease.model, inferred, isFrame), exchange.headers.accept),
    // No other header of a container's answer reaches the caller.
    headers: isSageMaker ? { ...headers, [customAttributes]: `gyre-prediction-id=${inferred.ids[0]}` } : headers,
  };
}

/** As whoever asked accepts it: JSON, or one prediction a line, as CSV or JSON. */
function written(predictions: unknown, accept: string | undefined): Pick<Answer, 'body' | 'type'> {
  const wanted = lineTypes.find((type) => accept?.toLowerCase().startsWith(type) === true);
  if (wanted === undefined || !Array.isArray(predictions)) return { body: JSON.stringify({ predictions }) };
  const lines = predictions.map((one: unknown) => (wanted === 'text/csv' ? csvLine(one) : JSON.stringify(one)));
  return { type: wanted, body: `${lines.join('\n')}\n` };
}

function csvLine(prediction: unknown): string {
  const cells: readonly unknown[] = Array.isArray(prediction)
    ? prediction
    : isObject(prediction)
      ? Object.values(prediction)
      : [prediction];
  return cells
    .flat(16)
    .map((cell) => {
      const text = cell === null || cell === undefined ? '' : typeof cell === 'string' ? cell : JSON.stringify(cell);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
}

interface Content {
  readonly asked: Asked;
  /** Whether it came as a table; a model of tensors then answers as one. */
  readonly isFrame: boolean;
}

function ofJson(model: ServedModel, text: string, type: string): Content {
  if (/^application\/(?:x-)?jsonlines\b/i.test(type)) return ofLines(model, text);
  if (type !== '' && !/^application\/(?:[\w.-]+\+)?json\b/i.test(type))
    throw requestFault(
      415,
      'INVALID_ARGUMENT',
      `the content type "${type.slice(0, 100)}" is not taken here; send application/json, application/jsonlines or text/csv`,
    );
  const body = parseJson(text);
  const given = isObject(body) ? contents.filter((name) => body[name] !== undefined) : [];
  if (!isObject(body) || given.length !== 1)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the body must be an object with exactly one of ${contents.join(', ')}, not ${given.length === 0 ? 'none of them' : given.join(' and ')}`,
    );
  const [name] = given;
  switch (name) {
    case 'instances':
      return { asked: askInstances(model, body.instances), isFrame: false };
    case 'inputs':
      return { asked: askTensors(model, body.inputs), isFrame: false };
    case 'dataframe_records':
      return { asked: ofFrame(model, recordsOf(body.dataframe_records)), isFrame: true };
    default:
      return { asked: ofFrame(model, splitOf(body.dataframe_split)), isFrame: true };
  }
}

/** A row of the table, or an instance, on each line. */
function ofLines(model: ServedModel, text: string): Content {
  const rows = text.split(/\r?\n/).flatMap((line, at): unknown[] => {
    if (line.trim() === '') return [];
    try {
      return [parseJson(line)];
    } catch {
      throw new GyreError('INVALID_ARGUMENT', `line ${at + 1} is no JSON`, { line: at + 1 });
    }
  });
  if (rows.length === 0) throw new GyreError('INVALID_ARGUMENT', 'there is no line with a row');
  return { asked: askInstances(model, rows), isFrame: true };
}

/** A table as pandas has it. */
interface Frame {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

function splitOf(split: unknown): Frame {
  if (!isObject(split) || !Array.isArray(split.data))
    throw new GyreError('INVALID_ARGUMENT', '"dataframe_split" must be an object with "columns" and "data"');
  const rows = split.data.map((row: unknown, at): readonly unknown[] => {
    if (Array.isArray(row)) return row;
    throw new GyreError('INVALID_ARGUMENT', `row ${at} of "dataframe_split" must be an array`);
  });
  const columns = Array.isArray(split.columns) ? split.columns.map(String) : (rows[0] ?? []).map((_, index) => String(index));
  const uneven = rows.findIndex((row) => row.length !== columns.length);
  if (uneven >= 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `row ${uneven} of "dataframe_split" has ${rows[uneven].length} values for ${columns.length} columns`,
    );
  return { columns, data: rows };
}

function recordsOf(records: unknown): Frame {
  if (!Array.isArray(records)) throw new GyreError('INVALID_ARGUMENT', '"dataframe_records" must be an array of objects');
  const columns = new Set<string>();
  for (const [at, record] of records.entries()) {
    if (!isObject(record)) throw new GyreError('INVALID_ARGUMENT', `record ${at} of "dataframe_records" must be an object`);
    for (const name of Object.keys(record)) columns.add(name);
  }
  const names = [...columns];
  return { columns: names, data: records.map((record: Readonly<Record<string, unknown>>) => names.map((name) => record[name])) };
}

/** The columns that the model takes; MLflow passes over the others. A graph of tensors takes a column for each input, or all for its only one. */
function ofFrame(model: ServedModel, { columns, data }: Frame): Asked {
  const places = new Map(columns.map((name, at) => [name, at]));
  if (hasColumns(model)) {
    const { inputs } = model.entry.signature;
    const rows = data.map((row, at): NamedRow =>
      Object.fromEntries(
        inputs.flatMap(({ name, type, image }) => {
          const place = places.get(name);
          if (place === undefined) return [];
          const cell = cellOf(row[place], at, name, image !== undefined);
          // A code that is written as a number is a text where the model takes texts, as MLflow's server has it.
          return [[name, type === 'string' && typeof cell === 'number' ? String(cell) : cell]];
        }),
      ),
    );
    return askRows(inputs, rows);
  }
  const { inputs } = model.loaded;
  if (inputs.length === 1) return askTensors(model, data);
  const tensors = inputs.map(({ name }) => {
    const place = places.get(name);
    if (place === undefined) throw new GyreError('INVALID_ARGUMENT', `the column "${name}" is missing`);
    return [name, data.map((row) => [row[place]])] as const;
  });
  return askTensors(model, Object.fromEntries(tensors));
}

/** With a header of the columns' names, or without one: then the columns stand in the model's order, as SageMaker's clients send them. */
function ofCsv(model: ServedModel, text: string): Content {
  const [first, ...rest] = readCsv(text);
  if (first === undefined) throw new GyreError('INVALID_ARGUMENT', 'the CSV is empty: rows are wanted');
  const known = hasColumns(model) ? model.entry.signature.inputs.map(({ name }) => name) : model.loaded.inputs.map(({ name }) => name);
  const isHeader = first.some((field) => known.includes(field)) || (!hasColumns(model) && first.some((field) => !isNumber(field)));
  const columns = isHeader ? first : hasColumns(model) ? known : first.map((_, index) => String(index));
  const records = isHeader ? rest : [first, ...rest];
  const uneven = records.findIndex((record) => record.length !== columns.length);
  if (uneven >= 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `record ${uneven + 1} of the CSV has ${records[uneven].length} fields for ${columns.length} columns`,
    );
  const texts = new Set(model.entry.signature.inputs.filter(({ type }) => type === 'string').map(({ name }) => name));
  const data = records.map((record) => record.map((field, at) => valueOf(field, texts.has(columns[at]))));
  return { asked: ofFrame(model, { columns, data }), isFrame: true };
}

const isNumber = (field: string): boolean => field.trim() !== '' && Number.isFinite(Number(field));

/** What a field of a CSV says; nothing is a missing value. */
function valueOf(field: string, isText: boolean): unknown {
  if (field === '') return null;
  if (isText) return field;
  if (isNumber(field)) return Number(field);
  return /^(true|false)$/i.test(field) ? field.toLowerCase() === 'true' : field;
}

/** A classifier's labels or a regression's values; of a graph of tensors its outputs, row by row when a table was asked. */
function predictionsOf(model: ServedModel, inferred: Inferred, isFrame: boolean): unknown {
  const { outcomes, rows } = inferred;
  if (outcomes !== undefined) return outcomes.map(({ label, value }) => label ?? value);
  const named = namedOutputs(model, inferred);
  const [[name, tensor] = ['', undefined], ...others] = named;
  // What a model in Python gives as one array has no name of its own: MLflow's server answers the array.
  if (model.entry.python !== undefined && tensor !== undefined && others.length === 0 && unnamed.test(name)) return nested(tensor);
  if (!isFrame) return Object.fromEntries(named.map(([name, tensor]) => [name, nested(tensor)]));
  const columns = named.map(([name, tensor]) => [name, perRow(tensor, rows).map(alone)] as const);
  return Array.from({ length: rows }, (_, row) => Object.fromEntries(columns.map(([name, values]) => [name, values[row]])));
}

const alone = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value);
