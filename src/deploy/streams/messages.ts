import type { NamedRow } from '#contract';
import { GyreError } from '#core';
import { eventTimeOf, keysOf } from '#serving';
import type { Delivery, Outgoing } from './port.ts';

type Members = Readonly<Record<string, unknown>>;

/** What a message asks of the model. */
export type Asked =
  | { readonly kind: 'rows'; readonly rows: readonly NamedRow[]; readonly eventTime?: string; readonly keys?: readonly string[] }
  /** An inference request of the Open Inference Protocol, as JSON text. */
  | { readonly kind: 'tensors'; readonly text: string };

const strictText = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a message: a row (`{"tenure": 3, …}`), rows (`[{…}, {…}]`, or `{"rows": […], "eventTime", "keys"}` as the data plane takes them), an
 * inference request of the Open Inference Protocol (`{"inputs": […]}`), or a CloudEvent of structured mode with one of these as its `data`.
 * @throws GyreError INVALID_ARGUMENT, OUT_OF_RANGE saying what was found and what is wanted
 */
export function readMessage({ body, fault }: Pick<Delivery, 'body' | 'fault'>, maxRows: number): Asked {
  if (fault !== undefined) throw new GyreError('INVALID_ARGUMENT', fault);
  let text: string;
  try {
    text = strictText.decode(body);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', 'the message is no text in UTF-8; JSON is wanted', {}, { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      text.trim() === '' ? 'the message is empty; JSON is wanted' : 'the message is no JSON',
      {},
      { cause: error },
    );
  }
  if (isObject(json) && typeof json.specversion === 'string' && 'data' in json) {
    const { data } = json;
    return fromJson(data, JSON.stringify(data), maxRows);
  }
  return fromJson(json, text, maxRows);
}

function fromJson(json: unknown, text: string, maxRows: number): Asked {
  if (Array.isArray(json)) return { kind: 'rows', rows: rowsOf(json, maxRows) };
  if (!isObject(json))
    throw new GyreError(
      'INVALID_ARGUMENT',
      'the message must be a row ({"column": value, …}), rows, or an inference request ({"inputs": […]})',
    );
  if (Array.isArray(json.inputs)) return { kind: 'tensors', text };
  if (!Array.isArray(json.rows)) return { kind: 'rows', rows: rowsOf([json], maxRows) };
  const { rows, eventTime, keys, ...others } = json;
  const unknown = Object.keys(others);
  if (unknown.length > 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `a message with "rows" may have "eventTime" and "keys"; it has ${unknown
        .slice(0, 5)
        .map((name) => JSON.stringify(name.slice(0, 60)))
        .join(', ')}`,
    );
  return {
    kind: 'rows',
    rows: rowsOf(Array.isArray(rows) ? rows : [], maxRows),
    ...(eventTime === undefined ? {} : { eventTime: eventTimeOf(eventTime) }),
    ...(keys === undefined ? {} : { keys: keysOf(keys) }),
  };
}

function rowsOf(rows: readonly unknown[], maxRows: number): readonly NamedRow[] {
  if (rows.length === 0) throw new GyreError('INVALID_ARGUMENT', `there are no rows; 1 to ${maxRows} are taken in one message`);
  if (rows.length > maxRows)
    throw new GyreError('OUT_OF_RANGE', `${rows.length} rows are too many for one message; at most ${maxRows} are taken`);
  return rows.map((row, at) => {
    if (!isObject(row)) throw new GyreError('INVALID_ARGUMENT', `row ${at} must be an object with named columns`, { row: at });
    const cells: Record<string, NamedRow[string]> = {};
    for (const [name, value] of Object.entries(row)) {
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean' && value !== null)
        throw new GyreError('INVALID_ARGUMENT', `row ${at}, column "${name.slice(0, 60)}": a number, string, boolean or null is wanted`, {
          row: at,
        });
      cells[name] = value;
    }
    return cells;
  });
}

/** Headers that say something of the message itself, and not of what it is about: they are not carried over. */
const ownHeaders = /^(nats-|ce-|gyre-|content-|status$|description$)/;

function carried({ headers }: Delivery): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !ownHeaders.test(name))
      .map(([name, value]) => [name, oneLine(value)]),
  );
}

const place = ({ topic, partition, position }: Delivery): string => `${topic}${partition === undefined ? '' : `/${partition}`}/${position}`;

/** What is published for a message: a CloudEvent in binary mode (the event's attributes are headers, its data is the body). */
export function answerTo(delivery: Delivery, id: string, group: string, body: string): Outgoing {
  return {
    id,
    body: new TextEncoder().encode(body),
    headers: {
      ...carried(delivery),
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': `/gyre/stream-predictions/${encodeURIComponent(group)}`,
      'ce-type': 'dev.gyre.prediction.made.v1',
      'gyre-source': oneLine(place(delivery)),
    },
    ...(delivery.key === undefined ? {} : { key: delivery.key }),
  };
}

/** A message that has no answer: its own bytes and headers, and why. */
export function deadLetterFor(
  delivery: Delivery,
  id: string,
  reason: { readonly code: string; readonly message: string; readonly attempts: number },
): Outgoing {
  const { headers, body, key } = delivery;
  const kept = Object.entries(headers).filter(([name]) => !/^(nats-|gyre-|status$|description$)/.test(name));
  return {
    id: `dead-${id}`,
    body,
    headers: {
      ...Object.fromEntries(kept.map(([name, value]) => [name, oneLine(value)])),
      'gyre-error': oneLine(reason.message),
      'gyre-error-code': reason.code,
      'gyre-attempts': String(reason.attempts),
      'gyre-source': oneLine(place(delivery)),
      'gyre-answer-id': id,
    },
    ...(key === undefined ? {} : { key }),
  };
}

/** A dead letter that its topic does not take either: without its body, which is still where it came from. */
export function withoutBody(letter: Outgoing): Outgoing {
  return {
    ...letter,
    body: new Uint8Array(),
    headers: {
      'gyre-body': `${letter.body.byteLength} bytes, left out`,
      ...Object.fromEntries(Object.entries(letter.headers).filter(([name]) => name.startsWith('gyre-'))),
    },
  };
}

const longestHeader = 1000;

/** Headers are lines. */
function oneLine(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, longestHeader);
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
