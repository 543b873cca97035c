import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { ReleaseManifest } from '#contract';
import { GyreError } from '#core';
import { H2Connection } from './h2/connection.ts';
import type { ConnectionOwner } from './h2/connection.ts';
import type { RequestHead } from './h2/request-head.ts';
import type { H2Stream } from './h2/stream.ts';
import { requireAccess } from './http-access.ts';
import { Admission } from './http-admission.ts';
import { listening, reachable, usualPatience } from './http-server.ts';
import type { InferenceServer, InferenceServerOptions } from './http-server.ts';
import { StreamedCall, UnaryCall } from './rpc-calls.ts';
import { RpcExchange } from './rpc-exchange.ts';
import type { RpcAsked, RpcHost } from './rpc-exchange.ts';
import { packings } from './rpc-messages.ts';
import type { Packing } from './rpc-messages.ts';
import type { RpcMethod } from './rpc-method.ts';

export interface RpcServerOptions extends Omit<InferenceServerOptions, 'routes' | 'describe'> {
  readonly methods: readonly RpcMethod[];
}

/** Connections of peers that vanished without a word are found out by the kernel, after so long without one. */
const keepAliveMs = 60_000;

/**
 * Answers gRPC for a plane (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), straight from the socket.
 * @throws GyreError FAILED_PRECONDITION when the port is in use, PERMISSION_DENIED when it may not be bound
 */
export function serveRpc(options: RpcServerOptions): Promise<InferenceServer> {
  return new RpcServer(options).listen();
}

class RpcServer {
  readonly #options: RpcServerOptions;
  readonly #host: RpcHost;
  readonly #methods: ReadonlyMap<string, RpcMethod>;
  readonly #names: ReadonlySet<string>;
  readonly #connections = new Set<H2Connection>();
  #isClosing = false;
  /** What was found out about headers that connections keep: with another manifest it is found out anew. */
  readonly #known = new WeakMap<RequestHead, { readonly manifest: ReleaseManifest; readonly asked: RpcAsked }>();

  constructor(options: RpcServerOptions) {
    const { plane, log, observer, host, allowedHosts = [] } = options;
    this.#options = options;
    this.#host = { plane, log, admission: options.admission ?? new Admission(plane), ...(observer === undefined ? {} : { observer }) };
    this.#methods = new Map(options.methods.map((method) => [method.path, method]));
    this.#names = new Set([host, ...allowedHosts].map((name) => name.toLowerCase()));
  }

  async listen(): Promise<InferenceServer> {
    const { tls, patience = usualPatience, plane } = this.#options;
    const owner: ConnectionOwner = {
      onStream: (stream) => this.#begin(stream),
      onClosed: (connection) => this.#connections.delete(connection),
      elapsed: () => plane.elapsed(),
    };
    const open = (socket: Socket): void => {
      // A TLS handshake may end after the server has.
      if (this.#isClosing) {
        socket.destroy();
        return;
      }
      this.#connections.add(new H2Connection(socket, owner));
    };
    // Who has said all may still be answered.
    const settings = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    let server: Server;
    if (tls === undefined) server = createServer(settings, open);
    else
      server = createTlsServer(
        { ...settings, ...tls, ALPNProtocols: ['h2'], handshakeTimeout: patience.headersMs },
        (socket: TLSSocket) => {
          if (socket.alpnProtocol === 'h2') open(socket);
          else socket.destroy();
        },
      );
    await listening(server, this.#options);
    const watching = setInterval(
      () => {
        const nowMs = plane.elapsed();
        for (const connection of this.#connections) connection.look(nowMs, patience);
      },
      Math.ceil(patience.headersMs / 4),
    );
    watching.unref();
    const bound = server.address() as AddressInfo;
    return {
      address: `${tls === undefined ? 'grpc' : 'grpcs'}://${reachable(bound)}:${bound.port}`,
      port: bound.port,
      shed: () => {
        for (const connection of this.#connections) connection.leave();
      },
      close: async (graceMs = 10_000) => {
        await this.#close(server, graceMs);
        clearInterval(watching);
      },
    };
  }

  async #close(server: Server, graceMs: number): Promise<void> {
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of this.#connections) connection.leave();
    const late = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, graceMs);
    await closed;
    clearTimeout(late);
  }

  #begin(stream: H2Stream): void {
    const exchange = new RpcExchange(this.#host, stream);
    let asked: RpcAsked;
    try {
      const { headers } = stream.head;
      if (!isGrpc.test(headers['content-type'] ?? '')) {
        exchange.refuseType();
        return;
      }
      const known = this.#known.get(stream.head);
      const { manifest } = this.#host.plane;
      if (known?.manifest === manifest) {
        ({ asked } = known);
        exchange.ask(asked.method, asked.caller);
      } else {
        asked = this.#read(stream, exchange, manifest);
        this.#known.set(stream.head, { manifest, asked });
      }
    } catch (error) {
      exchange.refuse(error);
      return;
    }
    const { stream: streams } = asked.method;
    stream.listen(streams === undefined ? new UnaryCall(exchange, asked) : new StreamedCall(exchange, asked, streams.onError));
  }

  /** @throws GyreError UNIMPLEMENTED for what is not there, UNAUTHENTICATED or PERMISSION_DENIED for who may not ask, INVALID_ARGUMENT */
  #read(stream: H2Stream, exchange: RpcExchange, manifest: ReleaseManifest): RpcAsked {
    const { headers } = stream.head;
    const path = headers[':path'] ?? '';
    const method = this.#methods.get(path);
    if (method === undefined) throw new GyreError('UNIMPLEMENTED', `there is no method ${path.slice(0, 200)} on this server`);
    exchange.ask(method, '');
    let caller = '';
    if (method.open !== true) {
      const host = headers[':authority'] ?? headers.host ?? '';
      caller = requireAccess({ headers: { ...headers, host }, remoteAddress: stream.remoteAddress }, manifest, this.#names);
      exchange.ask(method, caller);
    }
    return { method, caller, packing: packingOf(headers['grpc-encoding']), timeoutMs: timeoutOf(headers['grpc-timeout']) };
  }
}

const isGrpc = /^application\/grpc(?:\+proto)?\s*(?:;|$)/i;

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
