import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { GyreError, isGyreError, messageOf } from '#core';
import type { Logger } from '#telemetry';
import { requireAccess } from './http-access.ts';
import { Admission } from './http-admission.ts';
import { isPacked, packedBody, readBody, sizeOfBody, utf8Text } from './http-body.ts';
import { requestFault } from './http-exchange.ts';
import type { Answer, Exchange, Route } from './http-exchange.ts';
import { routerOf } from './http-router.ts';
import type { Plane } from './plane.ts';
import { noteHeaders } from './request-note.ts';
import type { RequestNote, RequestObserver } from './request-note.ts';

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
  /** Names that the Host header may say beside localhost and IP addresses. */
  readonly allowedHosts?: readonly string[];
  /** Who is let in; servers of one plane share it. Default: one of its own. */
  readonly admission?: Admission;
  /** How long callers may take. Default `usualPatience`. */
  readonly patience?: Patience;
  /** Left out: requests are neither traced nor told of in an access log. */
  readonly observer?: RequestObserver;
  readonly log: Logger;
}

export interface InferenceServer {
  /** `http://127.0.0.1:7080` */
  readonly address: string;
  /** Stops taking connections, answers what is under way, and settles when the last connection is gone. @param graceMs how long to wait for slow ones */
  close(graceMs?: number): Promise<void>;
}

/**
 * Answers HTTP for a plane, on bare `node:http`: header and body leave in one write, with TCP_NODELAY.
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
  readonly #admission: Admission;
  #closing = false;

  constructor(options: InferenceServerOptions) {
    this.#options = options;
    this.#match = routerOf(options.routes);
    this.#admission = options.admission ?? new Admission(options.plane);
    this.#hosts = new Set([options.host, ...(options.allowedHosts ?? [])].map((name) => name.toLowerCase()));
  }

  async listen(): Promise<InferenceServer> {
    const { host, port, tls, patience = usualPatience } = this.#options;
    const listener: RequestListener = (request, response) => void this.#answer(request, response);
    const limits = {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      // How often it is looked for connections that are too slow: the longest that one of them lives beyond its time.
      connectionsCheckingInterval: Math.ceil(patience.headersMs / 4),
      keepAliveTimeout: 75_000,
      noDelay: true,
    };
    const server: Server = tls === undefined ? createServer(limits, listener) : createTlsServer({ ...limits, ...tls }, listener);
    // A client that asks before it sends a large body gets its 413 instead of a "go on".
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      if (Number(request.headers['content-length']) <= this.#options.plane.manifest.limits.maxBodyBytes) response.writeContinue();
      void this.#answer(request, response);
    });
    server.on('clientError', (error: Error, socket: Socket) => this.#refuseUnparsed(error, socket));
    await listening(server, host, port);
    const bound = server.address() as AddressInfo;
    const name = reachable(bound);
    return {
      address: `${tls === undefined ? 'http' : 'https'}://${name}:${bound.port}`,
      close: (graceMs = 10_000) => this.#close(server, graceMs),
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { plane, log, observer } = this.#options;
    const receivedMs = plane.elapsed();
    const note: RequestNote = observer?.begin(request.headers) ?? {};
    // Said before anything can fail, so that the answer to a request that is refused early is counted too.
    let name = 'unknown';
    let isInference = false;
    let answer: Answer;
    let inside: Disposable | undefined;
    let caller = '';
    // Let in only when it has come whole: who sends slowly keeps nobody out, and a refused one keeps its connection.
    const body = async (takes: 'json' | 'binary' | 'any'): Promise<Buffer> => {
      const bytes = await readBody(request, plane.manifest.limits.maxBodyBytes, takes);
      this.#admission.take(caller);
      inside ??= this.#admission.enter();
      return bytes;
    };
    try {
      const url = request.url ?? '/';
      const cut = url.indexOf('?');
      const { route, params } = this.#match(request.method ?? 'GET', cut < 0 ? url : url.slice(0, cut));
      name = route.name;
      isInference = route.infers === true;
      if (route.open !== true)
        caller = requireAccess({ headers: request.headers, remoteAddress: request.socket.remoteAddress }, plane.manifest, this.#hosts);
      const exchange: Exchange = {
        method: request.method ?? 'GET',
        headers: request.headers,
        params,
        receivedMs,
        note,
        text: async () => utf8Text(await body('json')),
        bytes: () => body('binary'),
        any: async () => ({ bytes: await body('any'), type: request.headers['content-type'] ?? '' }),
      };
      answer = await route.handle(exchange);
      if (isPacked(sizeOfBody(answer.body), request.headers['accept-encoding']))
        answer = { ...answer, body: [await packedBody(answer.body)], headers: { ...answer.headers, 'content-encoding': 'gzip' } };
    } catch (error) {
      if (!isGyreError(error) || error.code === 'INTERNAL') log.error({ err: error, route: name }, 'a request failed');
      answer = this.#options.describe(error);
    }
    if (answer.status === 429 || answer.status === 503)
      answer = { ...answer, headers: { 'retry-after': String(this.#admission.retryAfterSeconds), ...answer.headers } };
    inside?.[Symbol.dispose]();
    const { status } = answer;
    if (note.trace !== undefined || note.requestId !== undefined)
      answer = { ...answer, headers: { ...answer.headers, ...noteHeaders(note) } };
    this.#send(request, response, answer);
    const bytes = sizeOfBody(answer.body);
    const method = request.method ?? 'GET';
    observer?.end({ note, route: name, protocol: 'HTTP', method, status, isError: status >= 500, receivedMs, bytes, caller });
    plane.answered({ route: name, code: String(status), receivedMs, isInference, isError: status >= 400 });
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    if (response.destroyed) return;
    const { body } = answer;
    const headers: string[] = ['content-type', answer.type ?? 'application/json', 'content-length', String(sizeOfBody(body))];
    for (const [key, value] of Object.entries(answer.headers ?? {})) headers.push(key, value);
    const unread = !request.complete;
    if (unread || this.#closing || !this.#options.plane.ready) headers.push('connection', 'close');
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
  #refuseUnparsed(error: Error, socket: Socket): void {
    if (!socket.writable || ('code' in error && error.code === 'ECONNRESET')) {
      socket.destroy();
      return;
    }
    const code = 'code' in error ? error.code : undefined;
    const [status, title] =
      code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'Request Header Fields Too Large']
        : code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? [408, 'Request Timeout']
          : [400, 'Bad Request'];
    const body = this.#options.describe(
      requestFault(Number(status), 'INVALID_ARGUMENT', `${title}: ${messageOf(error).slice(0, 200)}`),
    ).body;
    const size = sizeOfBody(body);
    socket.end(
      `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\n\r\n${typeof body === 'string' ? body : ''}`,
    );
  }

  async #close(server: Server, graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const late = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(late);
  }
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

/** @throws GyreError FAILED_PRECONDITION when the port is in use, PERMISSION_DENIED when it may not be bound */
export function listening(server: NetServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const at = `${host}:${port}`;
      if (error.code === 'EADDRINUSE')
        reject(new GyreError('FAILED_PRECONDITION', `${at} is in use by another process; choose another --port (0: any free one)`));
      else if (error.code === 'EACCES')
        reject(new GyreError('PERMISSION_DENIED', `${at} may not be bound by this user; choose a port from 1024 on`));
      else reject(new GyreError('INVALID_ARGUMENT', `${at} cannot be bound: ${error.message}`, {}, { cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
}

/** All addresses of this machine are no place to call: its own one is among them. */
export function reachable({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return family === 'IPv6' ? `[${address}]` : address;
}
