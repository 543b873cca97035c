import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import type { AddressInfo, ListenOptions, Server as NetServer, Socket } from 'node:net';
import type { ReleaseManifest } from '#contract';
import { GyreError, giveBack, messageOf } from '#core';
import type { Logger } from '#telemetry';
import { Answering } from './http-answering.ts';
import type { Admitted, AnsweringDeps, Incoming } from './http-answering.ts';
import { requireAccess } from './http-access.ts';
import { Admission } from './http-admission.ts';
import { brokenOff, readBody, sizeOfBody, wholeBody } from './http-body.ts';
import { keptSeconds, PlainConnection } from './http-connection.ts';
import type { ConnectionOwner, PlainRequest } from './http-connection.ts';
import { requestFault } from './http-exchange.ts';
import type { Answer, Route } from './http-exchange.ts';
import type { PlainHead } from './http-head.ts';
import { routerOf } from './http-router.ts';
import type { Plane } from './plane.ts';
import type { RequestObserver } from './request-note.ts';

/** How long callers may take, in milliseconds. */
export interface Patience {
  /** For a request’s header to come; over gRPC, for a connection to say that it speaks HTTP/2. */
  readonly headersMs: number;
  /** For all of a request to come; over gRPC, between two parts of a message. */
  readonly requestMs: number;
}

export const usualPatience: Patience = { headersMs: 10_000, requestMs: 60_000 };

export interface InferenceServerOptions {
  readonly plane: Plane;
  readonly routes: readonly Route[];
  /** How an error is said to clients. */
  readonly describe: (error: unknown) => Answer;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM; left out: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Whoever reaches the port was let in by a platform in front of it, under whatever host name that uses: no token is asked for. */
  readonly isFronted?: boolean;
  /** Names that the Host header may say beside localhost and IP addresses. */
  readonly allowedHosts?: readonly string[];
  /** Whether other threads of this process answer at the same port: `first`, before all others, or `joined`. Default: none does. */
  readonly sharing?: PortSharing;
  /** Who is let in; servers of one plane share it. Default: one of its own. */
  readonly admission?: Admission;
  /** How long callers may take. Default `usualPatience`. */
  readonly patience?: Patience;
  /** Left out: requests are neither traced nor told of in an access log. */
  readonly observer?: RequestObserver;
  readonly log: Logger;
}

/** Several sockets bound to one port, among which the kernel spreads connections (SO_REUSEPORT). */
export type PortSharing = 'first' | 'joined';

export interface InferenceServer {
  /** `http://127.0.0.1:7080` */
  readonly address: string;
  readonly port: number;
  /** Has its connections end with their next answer, so that their callers come anew and are spread over all threads. */
  shed(): void;
  /** Stops taking connections, answers what is under way, and settles when the last connection is gone. @param graceMs how long to wait for slow ones */
  close(graceMs?: number): Promise<void>;
}

/**
 * Answers HTTP for a plane: plain requests straight from their socket, all others by `node:http`; header and body leave in one write, with
 * TCP_NODELAY.
 * @throws GyreError FAILED_PRECONDITION when the port is in use, PERMISSION_DENIED when it may not be bound
 */
export async function serveHttp(options: InferenceServerOptions): Promise<InferenceServer> {
  const host = new Host(options);
  return host.listen();
}

class Host {
  readonly #options: InferenceServerOptions;
  readonly #match: ReturnType<typeof routerOf>;
  readonly #hosts: ReadonlySet<string>;
  readonly #shared: AnsweringDeps;
  readonly #connections = new Set<PlainConnection>();
  /** Connections that node:http reads. */
  readonly #handedOver = new Set<Socket>();
  /** Those of them that end with their next answer. */
  readonly #leaving = new WeakSet<Socket>();
  /** What was found out about the heads that connections keep: with another manifest it is found out anew. */
  readonly #known = new WeakMap<PlainHead, { readonly manifest: ReleaseManifest; readonly admitted: Admitted }>();
  #closing = false;
  #second = Number.NaN;
  #dateText = '';

  constructor(options: InferenceServerOptions) {
    this.#options = options;
    this.#match = routerOf(options.routes);
    this.#shared = { ...options, admission: options.admission ?? new Admission(options.plane) };
    this.#hosts = new Set([options.host, ...(options.allowedHosts ?? [])].map((name) => name.toLowerCase()));
  }

  /** Tokens that a manifest names are asked for even there. */
  get #isOpen(): boolean {
    return this.#options.isFronted === true && this.#options.plane.manifest.tokenHashes.length === 0;
  }

  async listen(): Promise<InferenceServer> {
    const { tls, patience = usualPatience } = this.#options;
    const listener: RequestListener = (request, response) =>
      this.#answer(incomingOf(request, (answer, size) => this.#send(request, response, answer, size)));
    const lookEveryMs = Math.ceil(patience.headersMs / 4);
    const limits = {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      // How often it is looked for connections that are too slow: the longest that one of them lives beyond its time.
      connectionsCheckingInterval: lookEveryMs,
      keepAliveTimeout: keptSeconds * 1000,
      noDelay: true,
    };
    const server: Server = tls === undefined ? createServer(limits, listener) : createTlsServer({ ...limits, ...tls }, listener);
    // A client that asks before it sends a large body gets its 413 instead of a "go on".
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      if (Number(request.headers['content-length']) <= this.#options.plane.manifest.limits.maxBodyBytes) response.writeContinue();
      this.#answer(incomingOf(request, (answer, size) => this.#send(request, response, answer, size)));
    });
    server.on('clientError', (error: Error, socket: Socket) => {
      const fault = faultOf(error);
      if (!socket.writable || fault === undefined) socket.destroy();
      else socket.end(this.#refusal(fault));
    });
    this.#readPlainly(server, tls === undefined ? 'connection' : 'secureConnection');
    await listening(server, this.#options);
    const watching = setInterval(() => this.#closeLate(patience), lookEveryMs);
    watching.unref();
    const bound = server.address() as AddressInfo;
    const name = reachable(bound);
    return {
      address: `${tls === undefined ? 'http' : 'https'}://${name}:${bound.port}`,
      port: bound.port,
      shed: () => {
        for (const connection of this.#connections) connection.leave();
        for (const socket of this.#handedOver) this.#leaving.add(socket);
      },
      close: async (graceMs = 10_000) => {
        await this.#close(server, graceMs);
        clearInterval(watching);
      },
    };
  }

  /** Connections come to the plain reader first; the parser of node:http takes what that one leaves. */
  #readPlainly(server: Server, event: 'connection' | 'secureConnection'): void {
    const parsers = server.listeners(event);
    server.removeAllListeners(event);
    const owner: ConnectionOwner = {
      accepts: (head, connection) => this.#accepts(head, connection),
      answer: (request, connection) => this.#answer(this.#plainIncoming(request, connection)),
      handOver: (socket, read) => {
        this.#handedOver.add(socket);
        socket.once('close', () => this.#handedOver.delete(socket));
        for (const parse of parsers) parse.call(server, socket);
        if (read.length > 0) socket.unshift(read);
        socket.resume();
      },
      onClosed: (connection) => this.#connections.delete(connection),
      elapsed: () => this.#options.plane.elapsed(),
      date: () => this.#date(),
    };
    server.on(event, (socket: Socket) => {
      this.#connections.add(new PlainConnection(socket, owner));
    });
  }

  #date(): string {
    const second = Math.floor(this.#options.plane.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#dateText = new Date(second * 1000).toUTCString();
    }
    return this.#dateText;
  }

  /** Whatever is to be refused before its body is read, the other way refuses. */
  #accepts(head: PlainHead, connection: PlainConnection): boolean {
    const { manifest } = this.#options.plane;
    if (this.#closing || head.bodyBytes > manifest.limits.maxBodyBytes) return false;
    if (this.#known.get(head)?.manifest === manifest) return true;
    try {
      this.#known.set(head, { manifest, admitted: this.#admit({ ...head, remoteAddress: connection.remoteAddress }) });
      return true;
    } catch {
      return false;
    }
  }

  #plainIncoming({ head, body, ownsBody }: PlainRequest, connection: PlainConnection): Incoming & { readonly head: PlainHead } {
    const { method, url, headers } = head;
    const { remoteAddress } = connection;
    return {
      method,
      url,
      headers,
      remoteAddress,
      head,
      isWhole: body !== undefined,
      body: (limit, takes) => {
        if (body === undefined) throw brokenOff();
        return wholeBody(body, headers, limit, takes);
      },
      release: () => {
        if (ownsBody && body !== undefined) giveBack(body);
      },
      send: (answer, size) => connection.send(answer, size, this.#endsConnections),
    };
  }

  /** @throws GyreError with status 404 or 405 for what no route answers, 401 or 403 for who may not ask */
  #admit({ method, url, headers, remoteAddress }: Pick<Incoming, 'method' | 'url' | 'headers' | 'remoteAddress'>): Admitted {
    const cut = url.indexOf('?');
    const matched = this.#match(method, cut < 0 ? url : url.slice(0, cut));
    const caller =
      matched.route.open === true || this.#isOpen
        ? ''
        : requireAccess({ headers, remoteAddress }, this.#options.plane.manifest, this.#hosts);
    return { ...matched, caller };
  }

  #answer(incoming: Incoming & { readonly head?: PlainHead }): void {
    const answering = new Answering(this.#shared, incoming);
    try {
      const known = incoming.head === undefined ? undefined : this.#known.get(incoming.head);
      answering.begin(known?.manifest === this.#options.plane.manifest ? known.admitted : this.#admit(incoming));
    } catch (error) {
      answering.fail(error);
    }
  }

  /** Whether answers say that their connection ends: callers are to look elsewhere. */
  get #endsConnections(): boolean {
    return this.#closing || !this.#options.plane.ready;
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: Answer, size: number): void {
    if (response.destroyed) return;
    const { body } = answer;
    const headers: string[] = ['content-type', answer.type ?? 'application/json', 'content-length', String(size)];
    for (const [key, value] of Object.entries(answer.headers ?? {})) headers.push(key, value);
    const unread = !request.complete;
    if (unread || this.#endsConnections || this.#leaving.has(request.socket)) headers.push('connection', 'close');
    response.writeHead(answer.status, headers);
    if (typeof body === 'string') response.end(body);
    else {
      // In one write, without copying the tensors into one buffer.
      response.cork();
      for (const part of body) response.write(part);
      response.end();
      response.uncork();
    }
    // What is left of a refused body is thrown away for a moment, so that the client reads the answer before the connection goes.
    if (unread) discard(request);
  }

  /** What is no HTTP, or too slow, has no request to answer; a line and the end. */
  #refusal({ status, title, message }: HttpFault): string {
    const { body } = this.#options.describe(requestFault(status, 'INVALID_ARGUMENT', `${title}: ${message.slice(0, 200)}`));
    return `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${sizeOfBody(body)}\r\n\r\n${typeof body === 'string' ? body : ''}`;
  }

  #closeLate({ headersMs, requestMs }: Patience): void {
    const nowMs = this.#options.plane.elapsed();
    for (const connection of this.#connections) {
      const late = connection.isLate(nowMs, { firstMs: headersMs, requestMs, idleMs: (keptSeconds + graceSeconds) * 1000 });
      if (late === 'idle') connection.close();
      else if (late === 'request')
        connection.end(this.#refusal({ status: 408, title: 'Request Timeout', message: 'the request did not come whole' }));
    }
  }

  async #close(server: Server, graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    for (const connection of this.#connections) if (connection.isIdle) connection.close();
    const late = setTimeout(() => {
      server.closeAllConnections();
      for (const connection of this.#connections) connection.close();
    }, graceMs);
    await closed;
    clearTimeout(late);
  }
}

/** A caller may send in the very second that it was told; a reset then would be no fault of its own. */
const graceSeconds = 1;

function incomingOf(request: IncomingMessage, send: Incoming['send']): Incoming {
  return {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: request.headers,
    remoteAddress: request.socket.remoteAddress,
    isWhole: false,
    body: (limit, takes) => readBody(request, limit, takes),
    release: () => undefined,
    send,
  };
}

/** Why a connection is ended without a request to answer. */
interface HttpFault {
  readonly status: number;
  readonly title: string;
  readonly message: string;
}

/** @returns undefined when there is nobody to tell */
function faultOf(error: Error): HttpFault | undefined {
  const code = 'code' in error ? error.code : undefined;
  const message = messageOf(error);
  if (code === 'ECONNRESET') return undefined;
  if (code === 'HPE_HEADER_OVERFLOW') return { status: 431, title: 'Request Header Fields Too Large', message };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: 408, title: 'Request Timeout', message };
  return { status: 400, title: 'Bad Request', message };
}

/** Bytes of a refused body that are read and thrown away, at most. */
const discardedBytes = 4 * 1024 * 1024;

function discard(request: IncomingMessage): void {
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > discardedBytes) request.destroy();
  });
  request.on('error', () => undefined);
  request.resume();
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly sharing?: PortSharing;
}

/** @throws GyreError FAILED_PRECONDITION when the port is in use, PERMISSION_DENIED when it may not be bound */
export async function listening(server: NetServer, { host, port, sharing }: Place): Promise<void> {
  // A port that is bound to be shared may be bound by any process of this user: asked for alone, it is refused if somebody has it.
  if (sharing === 'first' && port !== 0) {
    const alone = createNetServer();
    await bind(alone, { host, port });
    await new Promise((resolve) => alone.close(resolve));
  }
  await bind(server, { host, port, reusePort: sharing !== undefined });
}

function bind(server: NetServer, place: ListenOptions & { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const at = `${place.host}:${place.port}`;
      if (error.code === 'EADDRINUSE')
        reject(new GyreError('FAILED_PRECONDITION', `${at} is in use by another process; choose another --port (0: any free one)`));
      else if (error.code === 'EACCES')
        reject(new GyreError('PERMISSION_DENIED', `${at} may not be bound by this user; choose a port from 1024 on`));
      else reject(new GyreError('INVALID_ARGUMENT', `${at} cannot be bound: ${error.message}`, {}, { cause: error }));
    });
    server.listen(place, () => resolve());
  });
}

/** All addresses of this machine are no place to call: its own one is among them. */
export function reachable({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return family === 'IPv6' ? `[${address}]` : address;
}
