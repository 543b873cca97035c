import { GyreError, isGyreError, messageOf } from '#core';
import type { Permission } from '#contract';
import { invalidValue, queryValues, readMessage, WrittenNumber } from './message.ts';
import type { Field, MessageOf } from './message.ts';
import type { GuardedCall, MlflowAnswer, MlflowCall, MlflowRoute } from './port.ts';

/** More than the largest batch that clients send: 1,000 metrics, 100 parameters of 6,000 and 100 tags of 8,000 characters. */
const bodyLimitBytes = 16 * 1024 * 1024;

export interface ExchangeRoute<F extends Readonly<Record<string, Field<unknown>>>> {
  readonly method: MlflowRoute['method'];
  readonly path: string;
  readonly permission: Permission;
  /** The request's message, from the body, or from the query string where there is no body. */
  readonly request: F;
  /** Older spellings that clients still send: the new name by the old one. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** @returns the answer's message; undefined for an empty one; text that is JSON already goes out as it is */
  readonly run: (message: MessageOf<F>, call: GuardedCall) => Promise<object | string | undefined>;
}

/** A route that takes a message and answers one. */
export function exchange<F extends Readonly<Record<string, Field<unknown>>>>(route: ExchangeRoute<F>): MlflowRoute {
  const { method, path, permission, request, renamed = {}, run } = route;
  const inQuery = { ...request, ...aliases(request, renamed) };
  return {
    method,
    path,
    permission,
    asks: 'with message',
    request,
    handle: async (call) => {
      const json = method === 'GET' ? undefined : await jsonOf(call);
      const values = json === undefined ? queryValues(inQuery, call.query) : messageIn(json);
      const message = readAsWritten(request, named({ ...values, ...call.params }, renamed), json);
      await call.guard.permit(message);
      const answer = (await run(message, call)) ?? {};
      return jsonAnswer(answer);
    },
  };
}

/** @param message JSON as an object, or as text */
export function jsonAnswer(message: object | string, status = 200): MlflowAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: typeof message === 'string' ? message : JSON.stringify(message),
  };
}

function aliases(
  fields: Readonly<Record<string, Field<unknown>>>,
  renamed: Readonly<Record<string, string>>,
): Readonly<Record<string, Field<unknown>>> {
  return Object.fromEntries(Object.entries(renamed).map(([old, name]) => [old, fields[name]]));
}

function named(values: Readonly<Record<string, unknown>>, renamed: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const old = Object.entries(renamed).filter(([from, to]) => values[from] !== undefined && (values[to] ?? '') === '');
  return old.length === 0 ? values : { ...values, ...Object.fromEntries(old.map(([from, to]) => [to, values[from]])) };
}

/**
 * A request's body, which has to be JSON; an empty body is an empty message.
 * @throws GyreError OUT_OF_RANGE, with status 413 for a body that is too long
 */
async function jsonOf({ body, headers }: MlflowCall): Promise<string> {
  const declared = (headers['content-type'] ?? 'application/json').split(';', 1)[0].trim().toLowerCase();
  const bytes = await bytesOf(body);
  if (bytes.byteLength === 0) return '';
  if (declared !== 'application/json') {
    throw new GyreError('OUT_OF_RANGE', `Bad Request. Content-Type must be one of ['application/json'], not '${declared.slice(0, 100)}'.`);
  }
  return bytes.toString('utf8');
}

/** @throws GyreError OUT_OF_RANGE for what is no JSON object */
function messageIn(json: string): Readonly<Record<string, unknown>> {
  if (json === '') return {};
  const value = parse(json);
  // Old clients send the message as text inside the JSON.
  const message = typeof value === 'string' ? parse(value) : value;
  if (typeof message === 'object' && message !== null && !Array.isArray(message)) return message as Readonly<Record<string, unknown>>;
  throw new GyreError('OUT_OF_RANGE', 'the body is no JSON object');
}

/** Reads a message; a refused number is told as it was written, which JSON.parse forgets: 9.0 is not 9. */
function readAsWritten<F extends Readonly<Record<string, Field<unknown>>>>(
  request: F,
  values: Readonly<Record<string, unknown>>,
  json = '',
): MessageOf<F> {
  try {
    return readMessage(request, values);
  } catch (error) {
    const parameter = isGyreError(error) ? error.details.parameter : undefined;
    if (typeof parameter !== 'string' || !Number.isInteger(values[parameter])) throw error;
    const [, written] = new RegExp(`"${RegExp.escape(parameter)}"\\s*:\\s*(-?\\d+\\.\\d+)`).exec(json) ?? [];
    throw written === undefined ? error : invalidValue(parameter, new WrittenNumber(written));
  }
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > bodyLimitBytes)
      throw new GyreError('OUT_OF_RANGE', `the body is larger than ${bodyLimitBytes} bytes: send fewer items at once`, { status: 413 });
    chunks.push(chunk);
  }
  return chunks.length === 1 ? Buffer.from(chunks[0].buffer, chunks[0].byteOffset, chunks[0].byteLength) : Buffer.concat(chunks);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new GyreError('OUT_OF_RANGE', `the body is no JSON: ${messageOf(error)}`, {}, { cause: error });
  }
}
