import type { NamedRow, PredictAnswer } from '#contract';
import { GyreError } from '#core';
import { callerOf, parseJson, predictionHeaders, timeoutOfHeader } from './http-exchange.ts';
import type { Answer, Exchange, Route } from './http-exchange.ts';
import type { Outliers, OutlierScores } from './explain/outliers.ts';
import { askedType, isCurled } from './asked-type.ts';
import { jsonText, utf8Text } from './http-body.ts';
import { askedOfRows } from './image-inputs.ts';
import { askedOfPictures, isPictureBody, picturesOfBody } from './picture-body.ts';
import type { Inference, Inferred, Lease } from './plane-port.ts';
import type { Plane } from './plane.ts';
import { withLease } from './with-lease.ts';

interface NamedRequest {
  readonly rows: readonly NamedRow[];
  readonly eventTime?: string;
  readonly keys?: readonly string[];
  /** Whether each answer says how far its row lies from those that the model learned from. */
  readonly outlier: boolean;
}

/**
 * `POST /predict/:endpoint`: rows with named columns in, a label with probabilities or a value out (PredictRequest and PredictAnswer of the
 * contract). A model of pictures also takes one as the body itself, or several as the parts of a form.
 */
export function predictRoute(plane: Plane, outliers?: Outliers): Route {
  return {
    name: 'predict',
    method: 'POST',
    path: '/predict/:endpoint',
    infers: true,
    handle: (exchange) => predict(plane, outliers, exchange),
  };
}

function predict(plane: Plane, outliers: Outliers | undefined, exchange: Exchange): Answer | Promise<Answer> {
  const body = isPictureBody(exchange.headers['content-type'] ?? '') || isCurled(exchange) ? undefined : exchange.bytesNow('json');
  return body === undefined
    ? readAndPredict(plane, outliers, exchange)
    : predictNamed(plane, outliers, exchange, requestOf(plane, utf8Text(body)));
}

async function readAndPredict(plane: Plane, outliers: Outliers | undefined, exchange: Exchange): Promise<Answer> {
  const pictures = await picturesOfBody(exchange);
  if (pictures === undefined) {
    const { bytes } = await exchange.any();
    return predictNamed(plane, outliers, exchange, requestOf(plane, jsonText(bytes, askedType(exchange))));
  }
  using lease = plane.lease(exchange.params.endpoint, undefined, callerOf(exchange.headers));
  return answerOf(lease, await lease.infer(inferenceOf(exchange, askedOfPictures(lease.model.entry, pictures))));
}

function predictNamed(
  plane: Plane,
  outliers: Outliers | undefined,
  exchange: Exchange,
  { rows, outlier, eventTime, keys }: NamedRequest,
): Answer | Promise<Answer> {
  const held = plane.lease(exchange.params.endpoint, undefined, callerOf(exchange.headers, keys?.[0]));
  return withLease(held, (lease) => {
    const { entry } = lease.model;
    const inference = inferenceOf(exchange, askedOfRows(entry.signature.inputs, rows), eventTime, keys);
    const scorer = outlier ? requireOutliers(outliers) : undefined;
    // Refused before anything is predicted.
    scorer?.require(entry);
    const now = outlier ? undefined : lease.inferNow(inference);
    if (now !== undefined) return { ...answerOf(lease, now.inferred), settle: now.settle };
    return predictLater(lease, inference, scorer);
  });
}

/** For a model that does not answer at once. */
async function predictLater(lease: Lease, inference: Inference, outliers: Outliers | undefined): Promise<Answer> {
  const scoring = outliers?.score(lease.model.entry, inference.feeds);
  const [inferred, scored] = await Promise.all([lease.infer(inference), scoring]);
  return answerOf(lease, inferred, scored);
}

function inferenceOf(
  exchange: Exchange,
  asked: Pick<Inference, 'feeds' | 'rows' | 'images'>,
  eventTime?: string,
  keys?: readonly string[],
): Inference {
  const { receivedMs, note } = exchange;
  const timeoutMs = timeoutOfHeader(exchange.headers);
  return {
    ...asked,
    receivedMs,
    note,
    ...(timeoutMs === undefined ? undefined : { timeoutMs }),
    ...(eventTime === undefined ? undefined : { eventTime }),
    ...(keys === undefined ? undefined : { keys }),
  };
}

function answerOf({ manifest, model: { entry } }: Lease, inferred: Inferred, scored?: OutlierScores): Answer {
  if (inferred.outcomes === undefined) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${entry.name} answers with tensors, not with labels or values: ask POST /v2/models/${entry.name}/infer`,
    );
  }
  return {
    status: 200,
    body: JSON.stringify({ ...titleOf(inferred), predictions: answersOf(inferred, inferred.outcomes, scored) }),
    headers: predictionHeaders(manifest.generation, inferred),
  };
}

function titleOf({ model: { entry } }: Inferred): { readonly model: string; readonly version: string } {
  return { model: entry.name, version: entry.version };
}

function answersOf({ ids }: Inferred, outcomes: NonNullable<Inferred['outcomes']>, scored: OutlierScores | undefined): object[] {
  return outcomes.map((outcome, row) => ({
    id: ids[row],
    ...outcome,
    ...(scored === undefined ? {} : { outlier: outlierOf(scored, row) }),
  }));
}

function outlierOf({ scores, threshold }: OutlierScores, row: number): NonNullable<PredictAnswer['predictions'][number]['outlier']> {
  return { score: scores[row], threshold, isOutlier: scores[row] > threshold };
}

function requireOutliers(outliers: Outliers | undefined): Outliers {
  if (outliers !== undefined) return outliers;
  throw new GyreError('UNIMPLEMENTED', 'this data plane gives no outlier scores');
}

function requestOf(plane: Plane, text: string): NamedRequest {
  return readRequest(parseJson(text), plane.manifest.limits.maxRows);
}

/**
 * By hand rather than by schema: this is the hot path, and its messages name the row.
 * @throws GyreError INVALID_ARGUMENT naming the member
 */
function readRequest(body: unknown, maxRows: number): NamedRequest {
  if (!isObject(body)) throw new GyreError('INVALID_ARGUMENT', 'the body must be an object: {"rows": [{"column": value, …}]}');
  const known = ['rows', 'eventTime', 'keys', 'outlier'];
  const unknown = Object.keys(body).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the body has ${unknown.map((key) => JSON.stringify(key.slice(0, 60))).join(', ')}; it may have ${known.join(', ')}`,
    );
  }
  const { rows, eventTime, keys, outlier = false } = body;
  if (typeof outlier !== 'boolean') throw new GyreError('INVALID_ARGUMENT', '"outlier" must be true or false');
  if (!Array.isArray(rows)) throw new GyreError('INVALID_ARGUMENT', '"rows" must be an array of objects with named columns');
  if (rows.length === 0) throw new GyreError('INVALID_ARGUMENT', `"rows" is empty; 1 to ${maxRows} rows are taken in one request`);
  // Before anything is made of them: encoding costs time for each.
  if (rows.length > maxRows)
    throw new GyreError('OUT_OF_RANGE', `${rows.length} rows are too many for one request; this endpoint takes at most ${maxRows}`);
  for (const [at, row] of rows.entries()) requireRow(row, at);
  return {
    // Each was just found to be one.
    rows: rows as readonly NamedRow[],
    outlier,
    ...(eventTime === undefined ? {} : { eventTime: eventTimeOf(eventTime) }),
    ...(keys === undefined ? {} : { keys: keysOf(keys) }),
  };
}

function requireRow(row: unknown, at: number): void {
  if (!isObject(row)) throw new GyreError('INVALID_ARGUMENT', `row ${at} must be an object with named columns`, { row: at });
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'object' && value !== null) {
      throw new GyreError('INVALID_ARGUMENT', `row ${at}, column "${name.slice(0, 60)}": a number, string, boolean or null is wanted`, {
        row: at,
      });
    }
  }
}

/**
 * When what is predicted happened, as ISO 8601 in UTC with milliseconds.
 * @throws GyreError INVALID_ARGUMENT when it is no instant with a zone
 */
export function eventTimeOf(value: unknown): string {
  const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;
  const instant = typeof value === 'string' && form.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(instant)) {
    throw new GyreError('INVALID_ARGUMENT', 'the event time must be an instant in ISO 8601 with its zone, such as "2026-03-01T12:00:00Z"');
  }
  return new Date(instant).toISOString();
}

/** @throws GyreError INVALID_ARGUMENT when these are no strings of 1 to 200 characters */
export function keysOf(value: unknown): string[] {
  const isKey = (key: unknown): key is string => typeof key === 'string' && key.length > 0 && key.length <= 200;
  if (Array.isArray(value) && value.every(isKey)) return value;
  throw new GyreError('INVALID_ARGUMENT', 'the keys must be an array of strings of 1 to 200 characters, one for each row');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
