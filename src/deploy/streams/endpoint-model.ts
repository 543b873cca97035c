import { Agent, request as httpRequest } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { GyreError, messageOf } from '#core';
import type { ErrorCode } from '#core';
import { EndpointGate } from './endpoint-gate.ts';
import { readMessage } from './messages.ts';
import type { Asked } from './messages.ts';
import type { Delivery } from './port.ts';
import type { Patience, StreamModel } from './stream-model.ts';

export interface EndpointPlace {
  /** Base URL of a data plane. */
  readonly address: string;
  /** The model's name, or the endpoint's. */
  readonly model: string;
  readonly token?: string;
  /** Messages that are asked about at once, at most. */
  readonly inFlight: number;
  /** Tries on one message before it becomes a dead letter. */
  readonly attempts: number;
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
}

interface Reply {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly text: string;
}

const maxRows = 10_000;
const [mostSockets, answerWithinMs, mostBytes] = [64, 60_000, 64 * 2 ** 20];
/**
 * A message is dead when it was refused for the moment so many times as often as a model may fail on it, while others were answered: it is what ends
 * the process behind the endpoint.
 */
const refusalsPerAttempt = 4;

/**
 * A model that a running data plane serves: its log, its routing and its shadows hold for what a topic asks.
 * @throws GyreError UNAVAILABLE when nothing answers there, NOT_FOUND when it has no such model, UNAUTHENTICATED, PERMISSION_DENIED
 */
export async function openEndpointModel(place: EndpointPlace): Promise<StreamModel> {
  const opened = new EndpointModel(place);
  try {
    await opened.look();
    return opened;
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

class EndpointModel implements StreamModel {
  readonly name: string;
  readonly title: string;
  readonly #place: EndpointPlace;
  readonly #agent: Agent | HttpsAgent;
  readonly #gate: EndpointGate;
  /** Of all messages. */
  #answers = 0;

  constructor(place: EndpointPlace) {
    this.#place = place;
    this.name = place.model;
    this.title = `${place.model} at ${place.address}`;
    const most = Math.min(mostSockets, place.inFlight);
    this.#gate = new EndpointGate(most, place.elapsed);
    const sockets = { keepAlive: true, maxSockets: most };
    this.#agent = place.address.startsWith('https:') ? new HttpsAgent(sockets) : new Agent(sockets);
  }

  /** Whether there is such a model. */
  async look(): Promise<void> {
    const reply = await this.#send('GET', this.#path(''), {});
    if (reply.status !== 200) throw this.#fault(reply);
  }

  async answer(delivery: Delivery, id: string, patience: Patience): Promise<string> {
    const asked = readMessage(delivery, maxRows);
    const [path, body] =
      asked.kind === 'tensors'
        ? [this.#path('/infer'), withId(asked.text, id)]
        : [`/predict/${encodeURIComponent(this.name)}`, rowsBody(asked)];
    const reply = await this.#patiently(() => this.#send('POST', path, headersOf(delivery, id), body), patience);
    if (reply.status !== 200) throw this.#fault(reply);
    return asked.kind === 'tensors' ? reply.text : answerText(reply.text, id, asked);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await Promise.resolve();
  }

  /**
   * Asks until it is not put off any more: all messages wait together, for as long as the endpoint says.
   * @throws GyreError CANCELLED when it is over before that; UNAVAILABLE when this message alone is refused again and again
   */
  async #patiently(send: () => Promise<Reply>, patience: Patience): Promise<Reply> {
    const most = this.#place.attempts * refusalsPerAttempt;
    let [refusals, answersBefore] = [0, this.#answers];
    while (await this.#gate.enter(patience.signal)) {
      const reply = await send().catch((error: unknown) => messageOf(error));
      if (typeof reply !== 'string' && reply.status !== 429 && reply.status !== 503) {
        this.#answers += 1;
        this.#gate.answered();
        patience.goesOn();
        return reply;
      }
      if (typeof reply === 'string') this.#gate.away();
      else this.#gate.refused(reply.retryAfterMs);
      const reason = typeof reply === 'string' ? reply : this.#fault(reply).message;
      if (typeof reply !== 'string' && reply.status === 503 && this.#answers > answersBefore) {
        [refusals, answersBefore] = [refusals + 1, this.#answers];
        if (refusals >= most)
          throw new GyreError('UNAVAILABLE', `${reason}; so it was ${refusals} times, while other messages were answered`, {
            isFinal: true,
          });
      }
      patience.waits(reason);
    }
    throw new GyreError('CANCELLED', `ended while ${this.title} was waited for`);
  }

  #path(rest: string): string {
    return `/v2/models/${encodeURIComponent(this.name)}${rest}`;
  }

  #fault({ status, text }: Reply): GyreError {
    const said = memberOf(parsed(text), 'error');
    return new GyreError(codeOf(status), `${this.title} answered ${status}: ${typeof said === 'string' ? said : 'no reason was given'}`);
  }

  /** @throws GyreError UNAVAILABLE when nothing answers; DEADLINE_EXCEEDED is a reply of 504 */
  #send(method: string, path: string, more: OutgoingHttpHeaders, body?: string): Promise<Reply> {
    const { address, token } = this.#place;
    const headers = {
      ...more,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    return new Promise<Reply>((resolve, reject) => {
      const away = (error: unknown): void =>
        reject(new GyreError('UNAVAILABLE', `nothing answers at ${address} (${messageOf(error)})`, {}, { cause: error }));
      const call = (address.startsWith('https:') ? httpsRequest : httpRequest)(
        new URL(path, address),
        { method, agent: this.#agent, headers },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > mostBytes) call.destroy(new Error(`the answer is larger than ${mostBytes} bytes`));
            else chunks.push(chunk);
          });
          response.on('error', away);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              retryAfterMs: millisecondsIn(response.headers['retry-after']),
              text: Buffer.concat(chunks, size).toString('utf8'),
            }),
          );
        },
      );
      const late = setTimeout(() => {
        resolve({ status: 504, retryAfterMs: undefined, text: JSON.stringify({ error: `no answer within ${answerWithinMs} ms` }) });
        call.destroy();
      }, answerWithinMs);
      call.on('close', () => clearTimeout(late));
      call.on('error', away);
      call.end(body);
    });
  }
}

/** An inference request that has an id of its own keeps it; any other is called as its answer is. */
function withId(text: string, id: string): string {
  const request = parsed(text);
  return typeof request === 'object' && request !== null && memberOf(request, 'id') === undefined
    ? JSON.stringify({ id, ...request })
    : text;
}

function rowsBody({ rows, eventTime, keys }: Extract<Asked, { kind: 'rows' }>): string {
  return JSON.stringify({ rows, ...(eventTime === undefined ? {} : { eventTime }), ...(keys === undefined ? {} : { keys }) });
}

/** As a model on this disk answers rows; the predictions have the ids that the data plane logged them by. */
function answerText(text: string, id: string, { eventTime, keys }: Extract<Asked, { kind: 'rows' }>): string {
  const answer = parsed(text);
  const predictions = memberOf(answer, 'predictions');
  if (typeof answer !== 'object' || answer === null || !Array.isArray(predictions))
    throw new GyreError('INTERNAL', 'the endpoint answered with something else than predictions');
  const keyed = keys === undefined ? predictions : predictions.map((one: object, row) => ({ ...one, key: keys[row] }));
  return JSON.stringify({ id, ...answer, ...(eventTime === undefined ? {} : { eventTime }), predictions: keyed });
}

/** What a trace and the data plane's routing go by. */
function headersOf({ headers }: Delivery, id: string): OutgoingHttpHeaders {
  const carried = Object.entries(headers).filter(([name]) => /^(traceparent|tracestate|x-(?!request-)[a-z0-9-]+)$/.test(name));
  return { ...Object.fromEntries(carried), 'x-request-id': id };
}

function millisecondsIn(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header === undefined || header === '' || !(seconds >= 0) ? undefined : Math.min(seconds, 3600) * 1000;
}

function codeOf(status: number): ErrorCode {
  if (status === 429) return 'RESOURCE_EXHAUSTED';
  if (status === 504) return 'DEADLINE_EXCEEDED';
  if (status === 503) return 'UNAVAILABLE';
  if (status >= 500) return 'INTERNAL';
  if (status === 404) return 'NOT_FOUND';
  if (status === 413) return 'OUT_OF_RANGE';
  if (status === 401) return 'UNAUTHENTICATED';
  return status === 403 ? 'PERMISSION_DENIED' : 'INVALID_ARGUMENT';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
