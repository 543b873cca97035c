import { Agent, request as httpRequest } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { GyreError, hasCode, isGyreError, memberOf, messageOf, parsedJson } from '#core';
import type { ErrorCode } from '#core';
import { EndpointGate } from './endpoint-gate.ts';
import { Refusals } from './endpoint-refusals.ts';
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
  /** After so long a message was not answered, nor a connection made. Default 60,000. */
  readonly answerWithinMs?: number;
}

interface Reply {
  readonly status: number;
  readonly retryAfterMs?: number | undefined;
  readonly location?: string | undefined;
  readonly text: string;
  /** Why there was none after the endpoint was asked: the status is what somebody between would say of it. */
  readonly broken?: string;
}

const maxRows = 10_000;
const [mostSockets, usualAnswerWithinMs, mostBytes] = [64, 60_000, 64 * 2 ** 20];
/** The endpoint, or who stands before it, says that it may be asked again. */
const putOff: readonly number[] = [408, 429, 502, 503];
/** So it is too when the process behind it ended. */
const maybeEnded: readonly number[] = [502, 503];
/**
 * A message is dead when it was refused so many times as often as a model may fail on it, asked about alone, while others were answered: it is what ends the
 * process behind the endpoint.
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
    const reply = await this.#send('GET', this.#path(''), {}, {});
    if (reply.status !== 200) throw this.#fault(reply);
  }

  async answer(delivery: Delivery, id: string, patience: Patience): Promise<string> {
    const asked = readMessage(delivery, maxRows);
    const [path, body] =
      asked.kind === 'tensors'
        ? [this.#path('/infer'), withId(asked.text, id)]
        : [`/predict/${encodeURIComponent(this.name)}`, rowsBody(asked)];
    const headers = headersOf(delivery, id);
    const reply = await this.#patiently((signal) => this.#send('POST', path, headers, { signal, body }), patience);
    if (reply.status !== 200) throw this.#fault(reply);
    return asked.kind === 'tensors' ? reply.text : answerText(reply.text, id, asked);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await Promise.resolve();
  }

  /**
   * Asks until it is not put off any more: all messages wait together, for as long as the endpoint says.
   * @throws GyreError CANCELLED when it is over before that; UNAVAILABLE when this message alone is refused again and again; as `#asked`
   */
  async #patiently(send: (signal: AbortSignal) => Promise<Reply>, patience: Patience): Promise<Reply> {
    const { signal } = patience;
    const refusals = new Refusals(this.#place.elapsed);
    while (await this.#gate.enter(signal)) {
      // The last one, when all others are answered, would else wait for evidence that nobody is left to give.
      const isUp = this.#gate.isLast && refusals.wantLook(this.#answers) && (await this.#isUp(signal));
      const reply = await this.#asked(send(signal), patience);
      if ('away' in reply) {
        this.#gate.away();
        patience.waits(reply.away);
        continue;
      }
      if (!putOff.includes(reply.status)) {
        this.#answered(patience);
        return reply;
      }
      const { message } = this.#fault(reply);
      if (maybeEnded.includes(reply.status)) refusals.add(this.#answers, this.#gate.isAlone, isUp);
      this.#gate.refused(reply.retryAfterMs);
      if (refusals.counted >= this.#place.attempts * refusalsPerAttempt) {
        // It waits no longer; whoever else does says so again.
        patience.goesOn();
        throw new GyreError('UNAVAILABLE', `${message}; so it was ${refusals.counted} times, while other messages were answered`, {
          isFinal: true,
        });
      }
      patience.waits(message);
    }
    throw new GyreError('CANCELLED', `ended while ${this.title} was waited for`);
  }

  /** @throws GyreError INVALID_ARGUMENT for what HTTP cannot carry (a header of the message); OUT_OF_RANGE, CANCELLED as `#send` */
  async #asked(sent: Promise<Reply>, patience: Patience): Promise<Reply | Away> {
    try {
      return await sent;
    } catch (error) {
      if (hasCode(error, 'UNAVAILABLE')) return { away: error.message };
      if (hasCode(error, 'OUT_OF_RANGE')) this.#answered(patience);
      else this.#gate.leave();
      throw isGyreError(error) ? error : new GyreError('INVALID_ARGUMENT', `it cannot be sent: ${messageOf(error)}`, {}, { cause: error });
    }
  }

  #answered(patience: Patience): void {
    this.#answers += 1;
    this.#gate.answered();
    patience.goesOn();
  }

  async #isUp(signal: AbortSignal): Promise<boolean> {
    try {
      return (await this.#send('GET', this.#path(''), {}, { signal })).status === 200;
    } catch {
      return false;
    }
  }

  #path(rest: string): string {
    return `/v2/models/${encodeURIComponent(this.name)}${rest}`;
  }

  #fault({ status, text, location, broken }: Reply): GyreError {
    if (broken !== undefined) return new GyreError(codeOf(status), `${this.title}: ${broken}`);
    const said = memberOf(parsedJson(text), 'error');
    const reason = status >= 300 && status < 400 ? elsewhere(location, this.#place.address) : said;
    return new GyreError(
      codeOf(status),
      `${this.title} answered ${status}: ${typeof reason === 'string' ? reason : 'no reason was given'}`,
    );
  }

  /**
   * A connection that breaks off after the question is a reply of 502, no answer in time one of 504.
   * @throws GyreError UNAVAILABLE when no connection is made; OUT_OF_RANGE for an answer that is too large; CANCELLED
   */
  #send(method: string, path: string, more: OutgoingHttpHeaders, { signal, body }: Asking): Promise<Reply> {
    const { address, token, answerWithinMs = usualAnswerWithinMs } = this.#place;
    const isSecure = address.startsWith('https:');
    const headers = {
      ...more,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    return new Promise<Reply>((resolve, reject) => {
      let isConnected = false;
      const ends = (error: unknown): void => {
        const why = messageOf(error);
        if (signal?.aborted === true) reject(new GyreError('CANCELLED', `ended while ${this.title} was asked`, {}, { cause: error }));
        else if (isConnected) resolve({ status: 502, text: '', broken: `the connection broke off before an answer (${why})` });
        else reject(new GyreError('UNAVAILABLE', `nothing answers at ${address} (${why})`, {}, { cause: error }));
      };
      const call = (isSecure ? httpsRequest : httpRequest)(
        new URL(path, address),
        { method, agent: this.#agent, headers, ...(signal === undefined ? {} : { signal }) },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size <= mostBytes) return void chunks.push(chunk);
            reject(new GyreError('OUT_OF_RANGE', `the answer of ${this.title} is larger than ${mostBytes} bytes`));
            call.destroy();
          });
          response.on('error', ends);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              retryAfterMs: millisecondsIn(response.headers['retry-after']),
              location: response.headers.location,
              text: Buffer.concat(chunks, size).toString('utf8'),
            }),
          );
        },
      );
      const late = setTimeout(() => {
        const why = `no answer within ${answerWithinMs} ms`;
        if (isConnected) resolve({ status: 504, text: '', broken: why });
        call.destroy(new Error(why));
        // Those that lie by may lead nowhere as well: the next question shall make its own.
        for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
      }, answerWithinMs);
      call.on('socket', (socket) => {
        if (call.reusedSocket) isConnected = true;
        else socket.once(isSecure ? 'secureConnect' : 'connect', () => (isConnected = true));
      });
      call.on('close', () => clearTimeout(late));
      call.on('error', ends);
      call.end(body);
    });
  }
}

/** Nothing answers there, and why. */
interface Away {
  readonly away: string;
}

interface Asking {
  readonly signal?: AbortSignal;
  readonly body?: string;
}

/** An inference request that has an id of its own keeps it; any other is called as its answer is. */
function withId(text: string, id: string): string {
  const request = parsedJson(text);
  return typeof request === 'object' && request !== null && memberOf(request, 'id') === undefined
    ? JSON.stringify({ id, ...request })
    : text;
}

function rowsBody({ rows, eventTime, keys }: Extract<Asked, { kind: 'rows' }>): string {
  return JSON.stringify({ rows, ...(eventTime === undefined ? {} : { eventTime }), ...(keys === undefined ? {} : { keys }) });
}

/** As a model on this disk answers rows; the predictions have the ids that the data plane logged them by. */
function answerText(text: string, id: string, { eventTime, keys }: Extract<Asked, { kind: 'rows' }>): string {
  const answer = parsedJson(text);
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

/** A stream follows nowhere: its token is for the address that was said. */
function elsewhere(location: string | undefined, address: string): string {
  const to = location === undefined ? null : URL.parse(location, address);
  return `it sends on${to === null ? '' : ` to ${to.origin}`}; name the address that answers itself`;
}

function codeOf(status: number): ErrorCode {
  if (status < 400) return 'FAILED_PRECONDITION';
  if (status === 429) return 'RESOURCE_EXHAUSTED';
  if (status === 504) return 'DEADLINE_EXCEEDED';
  if (putOff.includes(status)) return 'UNAVAILABLE';
  if (status >= 500) return 'INTERNAL';
  if (status === 404) return 'NOT_FOUND';
  if (status === 413) return 'OUT_OF_RANGE';
  if (status === 401) return 'UNAUTHENTICATED';
  return status === 403 ? 'PERMISSION_DENIED' : 'INVALID_ARGUMENT';
}
