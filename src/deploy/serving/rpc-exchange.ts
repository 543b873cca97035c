import { isGyreError } from '#core';
import type { ErrorCode } from '#core';
import type { Logger } from '#telemetry';
import { retryAfterMs } from './http-admission.ts';
import type { Admission } from './http-admission.ts';
import { encodeHeaders } from './h2/hpack.ts';
import type { H2Stream } from './h2/stream.ts';
import type { Plane } from './plane.ts';
import { noteHeaders } from './request-note.ts';
import type { RequestNote, RequestObserver } from './request-note.ts';
import { packed, prefixOf } from './rpc-messages.ts';
import type { Packing } from './rpc-messages.ts';
import type { RpcCall, RpcMethod } from './rpc-method.ts';

/** gRPC's number of each error (grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const statusOf: Readonly<Record<ErrorCode, number>> = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
};
/** Statuses that are the server's own fault, by the conventions of OpenTelemetry for servers of gRPC. */
const serverFaults: ReadonlySet<number> = new Set(
  (['DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'] as const).map((code) => statusOf[code]),
);

type Fields = readonly (readonly [name: string, value: string])[];
const headFields: Fields = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
const plainHead = encodeHeaders(headFields);
const done = encodeHeaders([['grpc-status', '0']]);
const notGrpc = encodeHeaders([[':status', '415']]);
const longestMessage = 4000;

/** What all calls of a server are answered with. */
export interface RpcHost {
  readonly plane: Plane;
  readonly log: Logger;
  readonly observer?: RequestObserver;
  readonly admission: Admission;
}

/** What the headers of a call say. */
export interface RpcAsked {
  readonly method: RpcMethod;
  /** The SHA-256 of the caller's token; empty without one. */
  readonly caller: string;
  /** How its messages may be packed, and how it is answered. */
  readonly packing: Packing;
  readonly timeoutMs: number | undefined;
}

/** One call and its answer: what is sent of it, and what is written down. */
export class RpcExchange {
  readonly host: RpcHost;
  readonly stream: H2Stream;
  readonly #note: RequestNote;
  readonly #receivedMs: number;
  #method: RpcMethod | undefined;
  #caller = '';
  #isBegun = false;

  constructor(host: RpcHost, stream: H2Stream) {
    this.host = host;
    this.stream = stream;
    this.#receivedMs = host.plane.elapsed();
    this.#note = host.observer?.begin(stream.head.headers) ?? {};
  }

  /** Says which method is asked, as far as that is known. */
  ask(method: RpcMethod, caller: string): void {
    this.#method = method;
    this.#caller = caller;
  }

  /** Bytes of a message. */
  get limit(): number {
    return this.host.plane.manifest.limits.maxBodyBytes;
  }

  /** @param ownsMessage whether its message's memory is nobody else's */
  callOf(timeoutMs: number | undefined, ownsMessage: boolean): RpcCall {
    const { headers } = this.stream.head;
    const [receivedMs, note] = [this.#receivedMs, this.#note];
    const call = { receivedMs, headers, note, ownsMessage };
    return timeoutMs === undefined ? call : { ...call, timeoutMs };
  }

  /** Sends the one message of an answer. */
  answer(message: Uint8Array, packing: Packing): void {
    if (packing === 'identity') {
      this.stream.respond(this.#head(packing), [prefixOf(message, 0), message], done);
      this.#finish(0);
      return;
    }
    packed(message, packing).then(
      (bytes) => {
        this.stream.respond(this.#head(packing), [prefixOf(bytes, 1), bytes], done);
        this.#finish(0);
      },
      (error: unknown) => this.refuse(error),
    );
  }

  /** Begins an answer of many messages. */
  begin(): void {
    this.#isBegun = true;
    this.stream.respondHead(this.#head('identity'), false);
  }

  /** Sends one of many messages. */
  write(message: Uint8Array): void {
    this.stream.write([prefixOf(message, 0), message]);
  }

  /** Ends an answer of many messages. */
  end(): void {
    this.stream.end(done);
    this.#finish(0);
  }

  /** Ends the call with an error, which is said as far as it concerns its caller. */
  refuse(error: unknown): void {
    const { log, admission } = this.host;
    const { isGone } = this.stream;
    if (!isGone && (!isGyreError(error) || error.code === 'INTERNAL'))
      log.error({ err: error, route: this.#method?.name ?? 'unknown' }, 'a call failed');
    const status = isGone ? statusOf.CANCELLED : isGyreError(error) ? statusOf[error.code] : statusOf.INTERNAL;
    const message = isGyreError(error) && error.code !== 'INTERNAL' ? error.message : 'the server failed; its log says why';
    const isLater = status === statusOf.RESOURCE_EXHAUSTED || status === statusOf.UNAVAILABLE;
    const fields = trailersOf(status, message, isLater ? retryAfterMs(error, admission) : undefined);
    if (this.#isBegun) this.stream.end(encodeHeaders(fields));
    else this.stream.respondHead(encodeHeaders([...headFields, ...Object.entries(noteHeaders(this.#note)), ...fields]), true);
    this.#finish(status);
  }

  /** Refuses what is no gRPC at all. */
  refuseType(): void {
    this.stream.respondHead(notGrpc, true);
    this.#finish(0);
  }

  /** Writes down a call whose caller went away. */
  giveUp(): void {
    this.#finish(statusOf.CANCELLED);
  }

  #head(packing: Packing): Buffer {
    const { trace, requestId } = this.#note;
    if (packing === 'identity' && trace === undefined && requestId === undefined) return plainHead;
    const packedAs: Fields = packing === 'identity' ? [] : [['grpc-encoding', packing]];
    return encodeHeaders([...headFields, ...Object.entries(noteHeaders(this.#note)), ...packedAs]);
  }

  #finish(status: number): void {
    const { plane, observer } = this.host;
    const [note, receivedMs, caller] = [this.#note, this.#receivedMs, this.#caller];
    const route = this.#method?.name ?? 'unknown';
    if (observer !== undefined) {
      const method = String(this.stream.head.headers[':path']).slice(1, 200);
      observer.end({ note, route, protocol: 'gRPC', method, status, isError: serverFaults.has(status), receivedMs, caller });
    }
    plane.answered({
      route: `grpc ${route}`,
      code: String(status),
      receivedMs,
      isInference: this.#method?.infers === true,
      isError: status !== 0,
    });
  }
}

/** @param laterMs when it may be asked again: as HTTP says it, and as clients that retry by themselves are told (gRFC A6) */
function trailersOf(status: number, message: string, laterMs: number | undefined): Fields {
  // Percent-encoded, as gRPC wants what is no printable ASCII.
  const text = encodeURIComponent(message).replaceAll('%20', ' ').slice(0, longestMessage);
  const said: Fields = [
    ['grpc-status', String(status)],
    ['grpc-message', text.replace(/%[0-9A-F]?$/i, '')],
  ];
  if (laterMs === undefined) return said;
  return [...said, ['grpc-retry-pushback-ms', String(Math.ceil(laterMs))], ['retry-after', String(Math.max(1, Math.ceil(laterMs / 1000)))]];
}
