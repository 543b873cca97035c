import type { IncomingHttpHeaders } from 'node:http';
import type { Clock, RandomBytes } from '#core';
import { formatTraceparent, parseTraceparent, startTrace } from '#telemetry';
import type { AccessLog, Span, SpanExporter, TraceContext } from '#telemetry';
import type { BatchRun } from './batcher.ts';

/** What is known of one request beside its answer. Routes hand it to the plane, which fills in what came of it. */
export interface RequestNote {
  /** Its own span within the caller's trace, or within one that begins here; undefined: nobody traces it. */
  readonly trace?: TraceContext;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  /** As the caller names it (`x-request-id`). */
  readonly requestId?: string;
  model?: string;
  version?: string;
  /** Of a stream: of all its messages so far. */
  rows?: number;
  predictionId?: string;
  /** When the model was asked, how long the request waited for it, and when it had answered, on the plane's clock of elapsed time. */
  askedMs?: number;
  queuedMs?: number;
  answeredMs?: number;
  /** The run that answered it, with whom it shared that. */
  batch?: BatchRun;
}

/** One request when it has been answered. */
export interface AnsweredRequest {
  readonly note: RequestNote;
  /** What metrics call its route. */
  readonly route: string;
  /** `HTTP`: a status of HTTP; `gRPC`: one of gRPC. */
  readonly protocol: 'HTTP' | 'gRPC';
  readonly method: string;
  readonly status: number;
  readonly isError: boolean;
  readonly receivedMs: number;
  readonly bytes?: number;
  /** The SHA-256 of its token; empty without one. */
  readonly caller: string;
}

export interface RequestObserverOptions {
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Left out: no lines of requests. */
  readonly access?: Pick<AccessLog, 'write'>;
  /** Left out: no spans; a caller's trace id is written down all the same. */
  readonly spans?: Pick<SpanExporter, 'offer' | 'isSampled'>;
}

/** Of a request id that a caller gives. */
const requestIdForm = /^[\x21-\x7e]{1,128}$/;
const longestTraceState = 512;

/** Follows requests through a plane for traces and the access log. */
export class RequestObserver {
  readonly #options: RequestObserverOptions;

  constructor(options: RequestObserverOptions) {
    this.#options = options;
  }

  begin(headers: IncomingHttpHeaders): RequestNote {
    const { 'x-request-id': id, traceparent } = headers;
    const requestId = typeof id === 'string' && requestIdForm.test(id) ? { requestId: id } : {};
    const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
    if (parent === undefined && this.#options.spans === undefined) return requestId;
    const trace = this.#trace(parent);
    if (trace === undefined) return requestId;
    const { tracestate } = headers;
    const state =
      parent !== undefined && typeof tracestate === 'string' && tracestate.length <= longestTraceState ? { traceState: tracestate } : {};
    return { ...requestId, trace, ...state, ...(parent === undefined ? {} : { parentSpanId: parent.spanId }) };
  }

  #trace(parent: TraceContext | undefined): TraceContext | undefined {
    const { randomBytes, spans } = this.#options;
    const trace = startTrace(randomBytes, parent);
    const sampled = spans === undefined ? trace.sampled : spans.isSampled(trace.traceId, parent?.sampled);
    // Nobody asked for a trace that is not kept.
    return parent === undefined && !sampled ? undefined : { ...trace, sampled };
  }

  end(answered: AnsweredRequest): void {
    const { access, spans, elapsed } = this.#options;
    const { note, receivedMs } = answered;
    const endedMs = elapsed();
    access?.write({
      route: answered.protocol === 'gRPC' ? `grpc ${answered.route}` : answered.route,
      status: answered.status,
      model: note.model,
      version: note.version,
      rows: note.rows,
      bytes: answered.bytes,
      ms: Math.round((endedMs - receivedMs) * 1000) / 1000,
      requestId: note.requestId,
      predictionId: note.predictionId,
      token: answered.caller === '' ? undefined : answered.caller.slice(0, 8),
      traceId: note.trace?.traceId,
    });
    if (spans !== undefined && note.trace?.sampled === true) spans.offer(this.#spansOf(answered, note.trace, endedMs));
  }

  #spansOf(
    { note, route, protocol, method, status, isError, receivedMs, bytes }: AnsweredRequest,
    trace: TraceContext,
    endedMs: number,
  ): Span[] {
    const { clock, randomBytes } = this.#options;
    // Lengths are of the clock that never steps; where they stand, the wall clock says, read once.
    const offsetMs = clock.now() - endedMs;
    const { traceId, spanId } = trace;
    const shared = { traceId, ...(note.traceState === undefined ? {} : { traceState: note.traceState }) };
    const model = { 'gyre.model': note.model, 'gyre.model.version': note.version };
    const said =
      protocol === 'HTTP'
        ? { 'http.request.method': method, 'http.response.status_code': status, 'http.response.body.size': bytes }
        : { 'rpc.system': 'grpc', 'rpc.method': method, 'rpc.grpc.status_code': status };
    const server: Span = {
      ...shared,
      spanId,
      ...(note.parentSpanId === undefined ? {} : { parentSpanId: note.parentSpanId }),
      name: protocol === 'HTTP' ? `${method} ${route}` : method,
      kind: 'server',
      startMs: receivedMs + offsetMs,
      endMs: endedMs + offsetMs,
      attributes: {
        ...said,
        'gyre.route': route,
        ...model,
        'gyre.rows': note.rows,
        'gyre.prediction_id': note.predictionId,
        'gyre.request_id': note.requestId,
      },
      isError,
    };
    const { askedMs, queuedMs, answeredMs, batch } = note;
    if (askedMs === undefined || queuedMs === undefined || answeredMs === undefined) return [server];
    const part = (name: string, fromMs: number, toMs: number, attributes: Span['attributes'] = {}, parentSpanId = spanId): Span => ({
      ...shared,
      spanId: startTrace(randomBytes, trace).spanId,
      parentSpanId,
      name,
      kind: 'internal',
      startMs: fromMs + offsetMs,
      endMs: toMs + offsetMs,
      attributes: { ...model, ...attributes },
    });
    const spans = [server, part('queue', askedMs, askedMs + queuedMs)];
    const run = part('run', askedMs + queuedMs, answeredMs, { 'gyre.batch.rows': batch?.rows, 'gyre.batch.requests': batch?.requests });
    const worker = batch?.worker;
    // What lies between both is the way to the thread and back.
    return worker === undefined
      ? [...spans, run]
      : [...spans, run, part('worker', worker.startedMs, worker.endedMs, { 'thread.id': worker.thread }, run.spanId)];
  }
}

/** Headers of an answer: the trace that it belongs to (W3C Trace Context, level 2), and the caller's own name for it. */
export function noteHeaders({ trace, requestId }: RequestNote): Readonly<Record<string, string>> {
  return {
    ...(trace === undefined ? {} : { traceresponse: formatTraceparent(trace) }),
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
  };
}
