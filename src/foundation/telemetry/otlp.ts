import { GyreError, messageOf } from '#core';
import type { Logger } from './logger.ts';
import type { Counter, Metrics } from './metrics.ts';

/** One finished piece of work within a trace. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  /** As it came (https://www.w3.org/TR/trace-context/#tracestate-header). */
  readonly traceState?: string;
  readonly name: string;
  readonly kind: 'internal' | 'server';
  /** UTC milliseconds, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  readonly isError?: boolean;
}

/** The variables that OpenTelemetry names for all its exporters (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables). */
export const otelVariables = [
  'OTEL_SDK_DISABLED',
  'OTEL_SERVICE_NAME',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
  'OTEL_EXPORTER_OTLP_TIMEOUT',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_BSP_SCHEDULE_DELAY',
  'OTEL_BSP_MAX_QUEUE_SIZE',
  'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
] as const;

export interface TracingSettings {
  readonly endpoint: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly delayMs: number;
  readonly maxWaiting: number;
  readonly batch: number;
  /** Whether a trace that begins here, or comes with this flag, is sampled. */
  readonly isSampled: (traceId: string, parent: boolean | undefined) => boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads where spans go from OpenTelemetry's own variables.
 * @param service what this process is called when nobody says
 * @returns undefined when no endpoint is named
 * @throws GyreError INVALID_ARGUMENT naming the variable
 */
export function tracingFrom(environment: Environment, service: Readonly<Record<string, string>>): TracingSettings | undefined {
  const traces = environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  const base = environment['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || (!traces && !base)) return undefined;
  const endpoint = traces ? URL.parse(traces) : URL.parse(`${base?.replace(/\/$/, '')}/v1/traces`);
  if (endpoint === null || !/^https?:$/.test(endpoint.protocol))
    throw new GyreError('INVALID_ARGUMENT', `OTEL_EXPORTER_OTLP_ENDPOINT is "${traces || base}"; an http or https address is right`);
  const whole = (name: string, usual: number): number => {
    const value = Number(environment[name] || usual);
    if (Number.isInteger(value) && value > 0) return value;
    throw new GyreError('INVALID_ARGUMENT', `${name} is "${environment[name]}"; a whole number above 0 is right`);
  };
  const name = environment['OTEL_SERVICE_NAME'];
  return {
    endpoint,
    headers: pairs(environment['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] || environment['OTEL_EXPORTER_OTLP_HEADERS'] || ''),
    resource: { ...service, ...pairs(environment['OTEL_RESOURCE_ATTRIBUTES'] ?? ''), ...(name ? { 'service.name': name } : {}) },
    timeoutMs: whole('OTEL_EXPORTER_OTLP_TIMEOUT', 10_000),
    delayMs: whole('OTEL_BSP_SCHEDULE_DELAY', 5_000),
    maxWaiting: whole('OTEL_BSP_MAX_QUEUE_SIZE', 2048),
    batch: whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
    isSampled: samplerFrom(environment),
  };
}

function samplerFrom(environment: Environment): TracingSettings['isSampled'] {
  const text = environment['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on';
  const [, byParent, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(text) ?? [];
  if (kind === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `OTEL_TRACES_SAMPLER is "${text}"; always_on, always_off and traceidratio are known, also behind parentbased_`,
    );
  const ratio = kind === 'always_on' ? 1 : kind === 'always_off' ? 0 : Number(environment['OTEL_TRACES_SAMPLER_ARG'] || 1);
  if (!(ratio >= 0 && ratio <= 1))
    throw new GyreError(
      'INVALID_ARGUMENT',
      `OTEL_TRACES_SAMPLER_ARG is "${environment['OTEL_TRACES_SAMPLER_ARG']}"; a share from 0 to 1 is right`,
    );
  // The last 56 bits of an id are random (W3C Trace Context, level 2): all samplers of a trace decide alike.
  const own = (traceId: string): boolean => ratio === 1 || Number.parseInt(traceId.slice(-13), 16) / 16 ** 13 < ratio;
  return (traceId, parent) => (byParent !== undefined && parent !== undefined ? parent : own(traceId));
}

/** `key=value,key=value`, values percent-encoded, as W3C Baggage has them. */
function pairs(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=');
    if (at > 0) found[pair.slice(0, at).trim()] = decoded(pair.slice(at + 1).trim());
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Again, after these: the receiver says that it is busy (opentelemetry.io/docs/specs/otlp/#retryable-response-codes). */
const retryable = new Set([429, 502, 503, 504]);
const tries = 3;

/**
 * Sends spans in batches, as OTLP over HTTP in JSON (opentelemetry.io/docs/specs/otlp). Off the hot path: what cannot be sent, or is too
 * much, is dropped and counted.
 */
export class SpanExporter implements AsyncDisposable {
  readonly #settings: TracingSettings;
  readonly #log: Logger;
  readonly #sent: Counter;
  readonly #dropped: Counter;
  #waiting: Span[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #isTold = false;
  #isClosed = false;

  constructor(settings: TracingSettings, { metrics, log }: { readonly metrics: Metrics; readonly log: Logger }) {
    this.#settings = settings;
    this.#log = log;
    this.#sent = metrics.counter({ name: 'gyre_spans_sent_total', help: 'spans of traces that their receiver took' });
    this.#dropped = metrics.counter({ name: 'gyre_spans_dropped_total', help: 'spans of traces that nobody took' });
  }

  get isSampled(): TracingSettings['isSampled'] {
    return this.#settings.isSampled;
  }

  offer(spans: readonly Span[]): void {
    const { maxWaiting, batch, delayMs } = this.#settings;
    if (this.#waiting.length + spans.length > maxWaiting || this.#isClosed) {
      this.#dropped.inc({}, spans.length);
      return;
    }
    this.#waiting.push(...spans);
    if (this.#waiting.length >= batch) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), delayMs).unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sending.then(async () => {
      while (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0, this.#settings.batch));
    });
  }

  async #send(spans: readonly Span[]): Promise<void> {
    const { endpoint, headers, resource, timeoutMs } = this.#settings;
    const body = JSON.stringify(otlpJson(spans, resource));
    let problem = '';
    for (let tried = 0; tried < tries; tried++) {
      if (tried > 0) await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tried).unref());
      try {
        const response = await fetch(endpoint, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body,
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        });
        await response.arrayBuffer();
        if (response.ok) {
          this.#sent.inc({}, spans.length);
          this.#isTold = false;
          return;
        }
        problem = `it answered ${response.status}`;
        if (!retryable.has(response.status)) break;
      } catch (error) {
        problem = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
      }
      if (this.#isClosed) break;
    }
    this.#dropped.inc({}, spans.length);
    if (!this.#isTold) this.#log.warn({ to: endpoint.origin, problem }, 'spans were dropped: their receiver did not take them');
    this.#isTold = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#flush();
    await this.#sending;
  }
}

const kinds = { internal: 1, server: 2 } as const;

/** ExportTraceServiceRequest in OTLP's JSON: ids in hex, nanoseconds as text. */
export function otlpJson(spans: readonly Span[], resource: Readonly<Record<string, string>>): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [
          {
            scope: { name: 'gyre' },
            spans: spans.map((span) => ({
              traceId: span.traceId,
              spanId: span.spanId,
              ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
              ...(span.traceState === undefined ? {} : { traceState: span.traceState }),
              name: span.name,
              kind: kinds[span.kind],
              startTimeUnixNano: nanos(span.startMs),
              endTimeUnixNano: nanos(span.endMs),
              attributes: attributesOf(span.attributes),
              status: span.isError === true ? { code: 2 } : {},
            })),
          },
        ],
      },
    ],
  };
}

/** Whole microseconds: beyond them a double of milliseconds since 1970 holds nothing. */
const nanos = (ms: number): string => `${Math.round(ms * 1000)}000`;

function attributesOf(values: Readonly<Record<string, string | number | undefined>>): object[] {
  return Object.entries(values).flatMap(([key, value]): object[] => {
    if (value === undefined) return [];
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }];
    return [{ key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } }];
  });
}
