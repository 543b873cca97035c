import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { publicAddress } from '#blobs';
import type { AllowedHosts } from '#blobs';
import type { LogPolicy } from '#contract';
import { GyreError, isoInstant, messageOf } from '#core';
import type { Clock } from '#core';
import type { Counter, Logger, Metrics } from '#telemetry';

/** One answered request, as events tell of it. What its policy hides is hidden already. */
export interface LoggedPayload {
  readonly environment: string;
  readonly endpoint: string;
  readonly model: string;
  readonly version: string;
  /** A prediction id for each row. */
  readonly ids: readonly string[];
  readonly inputs: readonly Readonly<Record<string, unknown>>[];
  readonly outputs: readonly Readonly<Record<string, unknown>>[];
  /** W3C trace context, where the request has one. */
  readonly traceparent?: string;
}

type Target = NonNullable<LogPolicy['events']>;

interface Event {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface PayloadEventsOptions {
  readonly hosts: AllowedHosts;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads retries. */
  readonly chance: () => number;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Bytes of events that may wait; default 64 MiB. */
  readonly maxWaitingBytes?: number;
  /** How often one is sent at most, and how long the first retry waits; default 5 and 500. */
  readonly retries?: { readonly tries: number; readonly firstMs: number };
}

const types = { request: 'org.kubeflow.serving.inference.request', response: 'org.kubeflow.serving.inference.response' } as const;
/** Events that are on their way at the same time. */
const senders = 4;
const answerTimeoutMs = 10_000;
const longestRetryMs = 30_000;
/** How long an end waits for what still waits. */
const partingMs = 5_000;

/**
 * Tells a URL what was asked and answered, as KServe's inference logger does (kserve.github.io, "Inference Logger"): CloudEvents 1.0 over
 * HTTP in binary mode, one POST each, `{"instances": […]}` and `{"predictions": […]}` with one id for both. Off the hot path: what cannot be
 * sent is tried again for a while, and beyond the bound of what may wait events are dropped and counted. No answer ever waits for it.
 */
export class PayloadEvents implements AsyncDisposable {
  readonly #options: PayloadEventsOptions;
  readonly #agents = {
    'http:': new Agent({ keepAlive: true, maxSockets: senders }),
    'https:': new TlsAgent({ keepAlive: true, maxSockets: senders }),
  };
  readonly #sent: Counter;
  readonly #dropped: Counter;
  readonly #waiting: Event[] = [];
  readonly #sending = new Set<Promise<void>>();
  readonly #ended = new AbortController();
  #waitingBytes = 0;
  #isTold = false;

  constructor(options: PayloadEventsOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#sent = metrics.counter({ name: 'gyre_events_sent_total', help: 'events of requests and responses that their receiver took' });
    this.#dropped = metrics.counter({
      name: 'gyre_events_dropped_total',
      help: 'events that nobody took: too many waited (full), the receiver refused them (refused) or could not be reached (failed)',
      labels: ['reason'],
    });
    const waiting = metrics.gauge({ name: 'gyre_events_waiting', help: 'events that wait to be sent' });
    metrics.onCollect(() => waiting.set(this.#waiting.length + this.#sending.size));
  }

  /**
   * Judges where events are to go, before anything goes there.
   * @throws GyreError INVALID_ARGUMENT for what is no address, PERMISSION_DENIED for a host that is not allowed
   */
  require({ url: text }: Target): void {
    const url = URL.parse(text);
    if (url === null || !(url.protocol === 'https:' || url.protocol === 'http:') || url.username !== '' || url.password !== '') {
      throw new GyreError('INVALID_ARGUMENT', 'events go to an http or https address without user and password', {});
    }
    this.#options.hosts.require(url.hostname, portOf(url));
  }

  /** Queues the events of one request, without waiting for anything. */
  offer(payload: LoggedPayload, { url: text, mode = 'all' }: Target): void {
    const url = URL.parse(text);
    if (url === null) return;
    const { ids, inputs, outputs, model, version } = payload;
    if (mode !== 'response') this.#put(url, payload, 'request', { instances: inputs });
    if (mode === 'request') return;
    const predictions = outputs.map((output, row) => ({ id: ids[row], ...output }));
    this.#put(url, payload, 'response', { model_name: model, model_version: version, predictions });
  }

  #put(url: URL, payload: LoggedPayload, kind: keyof typeof types, data: object): void {
    const { maxWaitingBytes = 64 * 1024 * 1024, clock } = this.#options;
    const body = Buffer.from(JSON.stringify(data));
    if (this.#waitingBytes + body.length > maxWaitingBytes || this.#ended.signal.aborted) {
      this.#dropped.inc({ reason: 'full' });
      return;
    }
    const { environment, endpoint, ids, traceparent } = payload;
    this.#waiting.push({
      url,
      body,
      headers: {
        'content-type': 'application/json',
        'content-length': String(body.length),
        'ce-specversion': '1.0',
        'ce-id': ids[0],
        'ce-type': types[kind],
        'ce-source': `/environments/${environment}/endpoints/${endpoint}`,
        'ce-time': isoInstant(clock.now()),
        'ce-inferenceservicename': endpoint,
        'ce-namespace': environment,
        'ce-component': 'predictor',
        'ce-endpoint': 'default',
        ...(traceparent === undefined ? {} : { 'ce-traceparent': traceparent }),
      },
    });
    this.#waitingBytes += body.length;
    if (this.#sending.size < senders) {
      const sending = this.#sendAll();
      this.#sending.add(sending);
      void sending.finally(() => this.#sending.delete(sending));
    }
  }

  async #sendAll(): Promise<void> {
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
      await this.#deliver(event);
      this.#waitingBytes -= event.body.length;
    }
  }

  async #deliver(event: Event): Promise<void> {
    const { tries, firstMs } = this.#options.retries ?? { tries: 5, firstMs: 500 };
    let problem = '';
    for (let tried = 1; tried <= tries && !this.#ended.signal.aborted; tried++) {
      try {
        const status = await this.#post(event);
        if (status < 300) {
          this.#sent.inc();
          this.#isTold = false;
          return;
        }
        problem = `it answered ${status}`;
        if (status < 500 && status !== 429 && status !== 408) break;
      } catch (error) {
        problem = messageOf(error);
      }
      const waitMs = Math.min(longestRetryMs, firstMs * 2 ** (tried - 1)) * (0.5 + this.#options.chance() / 2);
      if (tried < tries) await sleep(waitMs, undefined, { signal: this.#ended.signal, ref: false }).catch(() => undefined);
    }
    this.#dropped.inc({ reason: problem.startsWith('it answered 4') ? 'refused' : 'failed' });
    // Once until it works again: a receiver that is away for an hour would fill the log.
    if (!this.#isTold)
      this.#options.log.warn({ to: publicAddress(event.url), problem }, 'an event was dropped: its receiver did not take it');
    this.#isTold = true;
  }

  #post({ url, headers, body }: Event): Promise<number> {
    return new Promise((resolve, reject) => {
      const isSecure = url.protocol === 'https:';
      const lookup = this.#options.hosts.lookupFor(url.hostname, portOf(url));
      const sent: ClientRequest = (isSecure ? httpsRequest : httpRequest)({
        method: 'POST',
        hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: portOf(url),
        path: `${url.pathname}${url.search}`,
        headers,
        agent: this.#agents[isSecure ? 'https:' : 'http:'],
        timeout: answerTimeoutMs,
        signal: this.#ended.signal,
        ...(lookup === undefined ? {} : { lookup }),
      });
      sent.once('response', (response) => {
        response.resume();
        response.once('error', reject);
        // Redirects are not followed: the address that was allowed is where data goes.
        response.once('end', () => resolve(response.statusCode ?? 0));
      });
      sent.once('timeout', () => sent.destroy(new Error(`nothing came for ${answerTimeoutMs} ms`)));
      sent.once('error', reject);
      sent.end(body);
    });
  }

  /** Waits a moment for what still waits; the rest is dropped and counted. */
  async [Symbol.asyncDispose](): Promise<void> {
    const late = sleep(partingMs, undefined, { ref: false });
    await Promise.race([Promise.all(this.#sending), late]);
    this.#ended.abort();
    const left = this.#waiting.splice(0);
    if (left.length > 0) this.#dropped.inc({ reason: 'full' }, left.length);
    await Promise.all(this.#sending);
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }
}

const portOf = (url: URL): string => (url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port);
