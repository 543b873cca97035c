import { constants, createSecureServer, createServer } from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { GyreError, isGyreError } from '#core';
import type { ErrorCode } from '#core';
import { requireAccess } from './http-access.ts';
import { Admission, retryAfterMs } from './http-admission.ts';
import { listening, reachable, usualPatience } from './http-server.ts';
import type { InferenceServer, InferenceServerOptions } from './http-server.ts';
import { noteHeaders } from './request-note.ts';
import type { RequestNote } from './request-note.ts';
import { MessageReader, framed, packings } from './rpc-messages.ts';
import type { Packing } from './rpc-messages.ts';

/** One call as a method sees it. */
export interface RpcCall {
  /** When its header was read, on the plane's clock of elapsed time. */
  readonly receivedMs: number;
  /** Milliseconds that the caller waits at most; undefined: for ever. */
  readonly timeoutMs?: number;
  /** Its metadata. */
  readonly headers: IncomingHttpHeaders;
  /** Goes along to the plane. */
  readonly note: RequestNote;
}

/** A method of a service. It is given messages and gives messages, in protocol buffers. */
export interface RpcMethod {
  /** What metrics call it. */
  readonly name: string;
  /** `/inference.GRPCInferenceService/ModelInfer` */
  readonly path: string;
  /** True for probes: no token is asked for. */
  readonly open?: boolean;
  /** True where predictions are asked for: rate and concurrency limits hold, for each message. */
  readonly infers?: boolean;
  readonly handle: (message: Uint8Array, call: RpcCall) => Promise<Uint8Array> | Uint8Array;
  /** True: takes many messages and answers each, in their order; `onError` says in a message why one could not be answered. */
  readonly stream?: { readonly onError: (error: unknown) => Uint8Array };
}

export interface RpcServerOptions extends Omit<InferenceServerOptions, 'routes' | 'describe'> {
  readonly methods: readonly RpcMethod[];
}

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

/** Messages of one stream that are worked on at the same time; the next is read when one of them is answered. */
const streamedAtOnce = 64;
const windowBytes = 4 * 1024 * 1024;
/** Calls of one connection at the same time, and what they may hold all in all; beyond it Node refuses a call. */
const mostStreams = 256;
const sessionMib = 1024;
/** Bytes of a refused call that are read and thrown away, at most. */
const discardedBytes = 4 * 1024 * 1024;

/**
 * Answers gRPC for a plane (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), on bare `node:http2`.
 * @throws GyreError FAILED_PRECONDITION when the port is in use, PERMISSION_DENIED when it may not be bound
 */
export async function serveRpc(options: RpcServerOptions): Promise<InferenceServer> {
  const { host, port, tls, patience = usualPatience } = options;
  const settings = { settings: { initialWindowSize: windowBytes, maxConcurrentStreams: mostStreams }, maxSessionMemory: sessionMib };
  const server: Http2Server = tls === undefined ? createServer(settings) : createSecureServer({ ...settings, ...tls });
  const admission = options.admission ?? new Admission(options.plane);
  const methods = new Map(options.methods.map((method) => [method.path, method]));
  const hosts = new Set([host, ...(options.allowedHosts ?? [])].map((name) => name.toLowerCase()));
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.setLocalWindowSize(windowBytes);
    session.on('error', () => undefined);
    // Who connects and says nothing is not waited for; a session that was opened may be quiet for as long as it likes.
    const silent = setTimeout(() => session.destroy(), patience.headersMs);
    session.once('remoteSettings', () => clearTimeout(silent));
    session.once('close', () => clearTimeout(silent));
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => void answer(stream, headers, { options, methods, hosts, admission }));
  await listening(server, host, port);
  const bound = server.address() as AddressInfo;
  return {
    address: `${tls === undefined ? 'grpc' : 'grpcs'}://${reachable(bound)}:${bound.port}`,
    close: async (graceMs = 10_000) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      const late = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, graceMs);
      await closed;
      clearTimeout(late);
    },
  };
}

interface Served {
  readonly options: RpcServerOptions;
  readonly methods: ReadonlyMap<string, RpcMethod>;
  readonly hosts: ReadonlySet<string>;
  readonly admission: Admission;
}

async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { options, methods, hosts, admission }: Served,
): Promise<void> {
  const { plane, log, observer } = options;
  const receivedMs = plane.elapsed();
  const note: RequestNote = observer?.begin(headers) ?? {};
  const headed = { ...head, ...noteHeaders(note) };
  let caller = '';
  stream.on('error', () => undefined);
  let name = 'unknown';
  let status = 0;
  let isInference = false;
  try {
    if (!/^application\/grpc(?:\+proto)?\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
      stream.respond({ ':status': 415 }, { endStream: true });
      return;
    }
    const found = methods.get(headers[':path'] ?? '');
    if (found === undefined)
      throw new GyreError('UNIMPLEMENTED', `there is no method ${String(headers[':path']).slice(0, 200)} on this server`);
    name = found.name;
    isInference = found.infers === true;
    if (found.open !== true) {
      const asked = { headers: { ...headers, host: headers[':authority'] ?? headers.host ?? '' } };
      caller = requireAccess({ ...asked, remoteAddress: stream.session?.socket.remoteAddress }, plane.manifest, hosts);
    }
    const method = isInference ? admitted(found, caller, admission) : found;
    const timeoutMs = timeoutOf(headers['grpc-timeout']);
    const call: RpcCall = { receivedMs, headers, note, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const messages = new MessageReader(stream, packingOf(headers['grpc-encoding']), plane.manifest.limits.maxBodyBytes);
    const accepted = packingOf(headers['grpc-encoding']);
    const { requestMs } = options.patience ?? usualPatience;
    if (method.stream === undefined) await answerOne(stream, method, messages, call, { packing: accepted, requestMs, headed });
    else await answerMany(stream, method, method.stream.onError, messages, call, headed);
  } catch (error) {
    // A call that was given up first looks as if its message had ended.
    await setImmediate();
    const isGone = stream.aborted || stream.destroyed || stream.rstCode !== constants.NGHTTP2_NO_ERROR;
    if (!isGone && (!isGyreError(error) || error.code === 'INTERNAL')) log.error({ err: error, route: name }, 'a call failed');
    status = isGone ? statusOf.CANCELLED : isGyreError(error) ? statusOf[error.code] : statusOf.INTERNAL;
    const message = isGyreError(error) && error.code !== 'INTERNAL' ? error.message : 'the server failed; its log says why';
    const isLater = status === statusOf.RESOURCE_EXHAUSTED || status === statusOf.UNAVAILABLE;
    refuse(stream, status, message, headed, isLater ? retryAfterMs(error, admission) : undefined);
  }
  const isError = serverFaults.has(status);
  const method = String(headers[':path']).slice(1, 200);
  observer?.end({ note, route: name, protocol: 'gRPC', method, status, isError, receivedMs, caller });
  plane.answered({ route: `grpc ${name}`, code: String(status), receivedMs, isInference, isError: status !== 0 });
}

/** A method whose every message passes admission, once it has come whole. */
function admitted(method: RpcMethod, caller: string, admission: Admission): RpcMethod {
  return {
    ...method,
    handle: async (message, call) => {
      admission.take(caller);
      using _inside = admission.enter();
      return await method.handle(message, call);
    },
  };
}

const head = { ':status': 200, 'content-type': 'application/grpc' } as const;
type Head = typeof head & Readonly<Record<string, string | number>>;
/** Statuses that are the server's own fault, by the conventions of OpenTelemetry for servers of gRPC. */
const serverFaults: ReadonlySet<number> = new Set(
  (['DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'] as const).map((code) => statusOf[code]),
);
const done = { 'grpc-status': '0' } as const;
function sendDone(this: ServerHttp2Stream): void {
  this.sendTrailers(done);
}

async function answerOne(
  stream: ServerHttp2Stream,
  method: RpcMethod,
  messages: MessageReader,
  call: RpcCall,
  { packing, requestMs, headed }: { readonly packing: Packing; readonly requestMs: number; readonly headed: Head },
): Promise<void> {
  stream.setTimeout(requestMs, () => stream.close(constants.NGHTTP2_CANCEL));
  const message = await messages.only();
  stream.setTimeout(0);
  const given = method.handle(message, call);
  const response = given instanceof Promise ? await given : given;
  if (stream.destroyed) return;
  stream.respond(packing === 'identity' ? headed : { ...headed, 'grpc-encoding': packing }, { waitForTrailers: true });
  stream.on('wantTrailers', sendDone);
  const frame = framed(response, packing);
  stream.end(frame instanceof Promise ? await frame : frame);
}

/** Each message is answered for itself; an answer waits for those before it. */
async function answerMany(
  stream: ServerHttp2Stream,
  method: RpcMethod,
  onError: (error: unknown) => Uint8Array,
  messages: MessageReader,
  call: RpcCall,
  headed: Head,
): Promise<void> {
  stream.respond(headed, { waitForTrailers: true });
  stream.on('wantTrailers', sendDone);
  const under = new Set<Promise<void>>();
  let before: Promise<void> = Promise.resolve();
  try {
    for await (const message of messages) {
      const response = Promise.resolve()
        .then(() => method.handle(message, call))
        .catch(onError);
      const previous = before;
      const written = response.then(async (bytes) => {
        await previous;
        if (!stream.destroyed) stream.write(await framed(bytes, 'identity'));
      });
      before = written;
      under.add(written);
      void written.finally(() => under.delete(written));
      if (under.size >= streamedAtOnce) await Promise.race(under);
    }
  } finally {
    // What was asked before a message that is none is answered before that is said.
    await before;
  }
  stream.end();
}

/** @param laterMs when it may be asked again: as HTTP says it, and as clients that retry by themselves are told (gRFC A6) */
function refuse(stream: ServerHttp2Stream, status: number, message: string, headed: Head, laterMs: number | undefined): void {
  if (stream.destroyed) return;
  // Percent-encoded, as gRPC wants what is no printable ASCII.
  const text = encodeURIComponent(message).replaceAll('%20', ' ').slice(0, 4000);
  const trailers = {
    'grpc-status': String(status),
    'grpc-message': text.replace(/%[0-9A-F]?$/i, ''),
    ...(laterMs === undefined
      ? {}
      : { 'grpc-retry-pushback-ms': String(Math.ceil(laterMs)), 'retry-after': String(Math.max(1, Math.ceil(laterMs / 1000))) }),
  };
  if (stream.headersSent) {
    stream.removeAllListeners('wantTrailers');
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end();
  } else stream.respond({ ...headed, ...trailers }, { endStream: true });
  // What is still on its way is thrown away for a moment: a reset would overtake the answer.
  let left = discardedBytes;
  stream.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) stream.close();
  });
  stream.resume();
}

function packingOf(header: string | string[] | undefined): Packing {
  const name = typeof header === 'string' ? header.toLowerCase() : 'identity';
  const known = packings.find((packing) => packing === name);
  if (known === undefined)
    throw new GyreError('UNIMPLEMENTED', `messages packed with "${name.slice(0, 40)}" are not taken here: ${packings.join(', ')} are`);
  return known;
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** @throws GyreError INVALID_ARGUMENT when it is no timeout of gRPC: digits and a unit */
function timeoutOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(header)) ?? [];
  if (digits === undefined)
    throw new GyreError('INVALID_ARGUMENT', `grpc-timeout is "${String(header).slice(0, 40)}"; "250m" or "5S" is right`);
  return Number(digits) * unitMs[unit];
}
