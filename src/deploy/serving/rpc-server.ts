import { constants, createSecureServer, createServer } from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { GyreError, isGyreError } from '#core';
import type { ErrorCode } from '#core';
import { requireAccess } from './http-access.ts';
import { listening, reachable } from './http-server.ts';
import type { InferenceServer, InferenceServerOptions } from './http-server.ts';
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
}

/** A method of a service. It is given messages and gives messages, in protocol buffers. */
export interface RpcMethod {
  /** What metrics call it. */
  readonly name: string;
  /** `/inference.GRPCInferenceService/ModelInfer` */
  readonly path: string;
  /** True for probes: no token is asked for. */
  readonly open?: boolean;
  /** True where predictions are asked for. */
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
/** A message that does not come on for so long is given up. */
const messageTimeoutMs = 60_000;
/** Bytes of a refused call that are read and thrown away, at most. */
const discardedBytes = 4 * 1024 * 1024;

/**
 * Answers gRPC for a plane (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), on bare `node:http2`.
 * @throws GyreError FAILED_PRECONDITION when the port is in use, PERMISSION_DENIED when it may not be bound
 */
export async function serveRpc(options: RpcServerOptions): Promise<InferenceServer> {
  const { host, port, tls } = options;
  const settings = { settings: { initialWindowSize: windowBytes, maxConcurrentStreams: mostStreams }, maxSessionMemory: sessionMib };
  const server: Http2Server = tls === undefined ? createServer(settings) : createSecureServer({ ...settings, ...tls });
  const methods = new Map(options.methods.map((method) => [method.path, method]));
  const hosts = new Set([host, ...(options.allowedHosts ?? [])].map((name) => name.toLowerCase()));
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.setLocalWindowSize(windowBytes);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => void answer(stream, headers, { options, methods, hosts }));
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
}

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, { options, methods, hosts }: Served): Promise<void> {
  const { plane, log } = options;
  const receivedMs = plane.elapsed();
  stream.on('error', () => undefined);
  let name = 'unknown';
  let status = 0;
  let isInference = false;
  try {
    if (!/^application\/grpc(?:\+proto)?\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
      stream.respond({ ':status': 415 }, { endStream: true });
      return;
    }
    const method = methods.get(headers[':path'] ?? '');
    if (method === undefined)
      throw new GyreError('UNIMPLEMENTED', `there is no method ${String(headers[':path']).slice(0, 200)} on this server`);
    name = method.name;
    isInference = method.infers === true;
    if (method.open !== true) {
      const asked = { headers: { ...headers, host: headers[':authority'] ?? headers.host ?? '' } };
      requireAccess({ ...asked, remoteAddress: stream.session?.socket.remoteAddress }, plane.manifest, hosts);
    }
    const timeoutMs = timeoutOf(headers['grpc-timeout']);
    const call: RpcCall = { receivedMs, headers, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const messages = new MessageReader(stream, packingOf(headers['grpc-encoding']), plane.manifest.limits.maxBodyBytes);
    const accepted = packingOf(headers['grpc-encoding']);
    if (method.stream === undefined) await answerOne(stream, method, messages, call, accepted);
    else await answerMany(stream, method, method.stream.onError, messages, call);
  } catch (error) {
    // A call that was given up first looks as if its message had ended.
    await setImmediate();
    const isGone = stream.aborted || stream.destroyed || stream.rstCode !== constants.NGHTTP2_NO_ERROR;
    if (!isGone && (!isGyreError(error) || error.code === 'INTERNAL')) log.error({ err: error, route: name }, 'a call failed');
    status = isGone ? statusOf.CANCELLED : isGyreError(error) ? statusOf[error.code] : statusOf.INTERNAL;
    const message = isGyreError(error) && error.code !== 'INTERNAL' ? error.message : 'the server failed; its log says why';
    refuse(stream, status, message);
  }
  plane.answered({ route: `grpc ${name}`, code: String(status), receivedMs, isInference, isError: status !== 0 });
}

const head = { ':status': 200, 'content-type': 'application/grpc' } as const;
const done = { 'grpc-status': '0' } as const;

async function answerOne(
  stream: ServerHttp2Stream,
  method: RpcMethod,
  messages: MessageReader,
  call: RpcCall,
  packing: Packing,
): Promise<void> {
  stream.setTimeout(messageTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
  const message = await messages.only();
  stream.setTimeout(0);
  const response = await method.handle(message, call);
  if (stream.destroyed) return;
  stream.respond(packing === 'identity' ? head : { ...head, 'grpc-encoding': packing }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(done));
  stream.end(await framed(response, packing));
}

/** Each message is answered for itself; an answer waits for those before it. */
async function answerMany(
  stream: ServerHttp2Stream,
  method: RpcMethod,
  onError: (error: unknown) => Uint8Array,
  messages: MessageReader,
  call: RpcCall,
): Promise<void> {
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(done));
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

function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  if (stream.destroyed) return;
  // Percent-encoded, as gRPC wants what is no printable ASCII.
  const text = encodeURIComponent(message).replaceAll('%20', ' ').slice(0, 4000);
  const trailers = { 'grpc-status': String(status), 'grpc-message': text.replace(/%[0-9A-F]?$/i, '') };
  if (stream.headersSent) {
    stream.removeAllListeners('wantTrailers');
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end();
  } else stream.respond({ ...head, ...trailers }, { endStream: true });
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
