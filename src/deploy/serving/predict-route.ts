import type { NamedRow } from '#contract';
import { GyreError } from '#core';
import { callerOf, parseJson, predictionHeaders, timeoutOfHeader } from './http-exchange.ts';
import type { Answer, Exchange, Route } from './http-exchange.ts';
import { askedOfRows } from './image-inputs.ts';
import { askedOfPictures, picturesOfBody } from './picture-body.ts';
import type { Inferred } from './plane-port.ts';
import type { Plane } from './plane.ts';

interface NamedRequest {
  readonly rows: readonly NamedRow[];
  readonly eventTime?: string;
  readonly keys?: readonly string[];
}

/**
 * `POST /predict/:endpoint`: rows with named columns in, a label with probabilities or a value out (PredictRequest and PredictAnswer of the
 * contract). A model of pictures also takes one as the body itself, or several as the parts of a form.
 */
export function predictRoute(plane: Plane): Route {
  return { name: 'predict', method: 'POST', path: '/predict/:endpoint', infers: true, handle: (exchange) => predict(plane, exchange) };
}

async function predict(plane: Plane, exchange: Exchange): Promise<Answer> {
  const pictures = await picturesOfBody(exchange);
  const named = pictures === undefined ? readRequest(parseJson(await exchange.text()), plane.manifest.limits.maxRows) : undefined;
  const { eventTime, keys } = named ?? {};
  using lease = plane.lease(exchange.params.endpoint, undefined, callerOf(exchange.headers, keys?.[0]));
  const { entry } = lease.model;
  const asked = named === undefined ? askedOfPictures(entry, pictures ?? []) : askedOfRows(entry.signature.inputs, named.rows);
  const timeoutMs = timeoutOfHeader(exchange.headers);
  const inferred = await lease.infer({
    ...asked,
    receivedMs: exchange.receivedMs,
    note: exchange.note,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(eventTime === undefined ? {} : { eventTime }),
    ...(keys === undefined ? {} : { keys }),
  });
  if (inferred.outcomes === undefined) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${entry.name} answers with tensors, not with labels or values: ask POST /v2/models/${entry.name}/infer`,
    );
  }
  return {
    status: 200,
    body: JSON.stringify({ ...titleOf(inferred), predictions: answersOf(inferred, inferred.outcomes) }),
    headers: predictionHeaders(lease.manifest.generation, inferred),
  };
}

function titleOf({ model: { entry } }: Inferred): { readonly model: string; readonly version: string } {
  return { model: entry.name, version: entry.version };
}

function answersOf({ ids }: Inferred, outcomes: NonNullable<Inferred['outcomes']>): object[] {
  return outcomes.map((outcome, row) => ({ id: ids[row], ...outcome }));
}

/**
 * By hand rather than by schema: this is the hot path, and its messages name the row.
 * @throws GyreError INVALID_ARGUMENT naming the member
 */
function readRequest(body: unknown, maxRows: number): NamedRequest {
  if (!isObject(body)) throw new GyreError('INVALID_ARGUMENT', 'the body must be an object: {"rows": [{"column": value, …}]}');
  const known = ['rows', 'eventTime', 'keys'];
  const unknown = Object.keys(body).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the body has ${unknown.map((key) => JSON.stringify(key.slice(0, 60))).join(', ')}; it may have ${known.join(', ')}`,
    );
  }
  const { rows, eventTime, keys } = body;
  if (!Array.isArray(rows)) throw new GyreError('INVALID_ARGUMENT', '"rows" must be an array of objects with named columns');
  if (rows.length === 0) throw new GyreError('INVALID_ARGUMENT', `"rows" is empty; 1 to ${maxRows} rows are taken in one request`);
  // Before anything is made of them: encoding costs time for each.
  if (rows.length > maxRows)
    throw new GyreError('OUT_OF_RANGE', `${rows.length} rows are too many for one request; this endpoint takes at most ${maxRows}`);
  for (const [at, row] of rows.entries()) requireRow(row, at);
  return {
    // Each was just found to be one.
    rows: rows as readonly NamedRow[],
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
