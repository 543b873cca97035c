import http from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { GyreError, messageOf } from '#core';

/** A request to the server. */
export interface Outgoing {
  readonly method: string;
  /** Path and query below the server's address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | { readonly stream: Readable; readonly size: number };
}

/** The beginning of the server's answer; its body is still to be read. */
export type Incoming = IncomingMessage & { readonly statusCode: number };

/** An answer that was read to its end. */
export interface ReadAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** The largest JSON answer that is read. */
const mostAnswerBytes = 64 * 1024 * 1024;

/** Statuses that say: not now. What was asked is kept and asked again. 507 is what a server answers whose disk is full. */
const awayStatuses: ReadonlySet<number> = new Set([408, 429, 502, 503, 504, 507]);

/** Whether an answer means that the server is there but cannot do it now. */
export function isAway(status: number): boolean {
  return awayStatuses.has(status);
}

export interface UpstreamOptions {
  /** Base address of the server, maybe with a path. */
  readonly to: URL;
  /** What stands in for the caller's own Authorization. */
  readonly authorization?: string;
  /** So long a connection may bring nothing. */
  readonly idleMs: number;
}

/** The server that a relay writes to. */
export class Upstream implements Disposable {
  readonly #options: UpstreamOptions;
  readonly #client: typeof http | typeof https;
  readonly #agent: http.Agent;
  readonly #base: string;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#client = options.to.protocol === 'https:' ? https : http;
    this.#agent = new this.#client.Agent({ keepAlive: true, maxSockets: 64 });
    this.#base = options.to.pathname.replace(/\/+$/, '');
  }

  /** @throws GyreError UNAVAILABLE when the server does not answer; what was asked may have reached it all the same */
  async send({ method, path, headers, body }: Outgoing): Promise<Incoming> {
    const { to, authorization, idleMs } = this.#options;
    const sent: OutgoingHttpHeaders = { ...headers, ...(authorization === undefined ? {} : { authorization }) };
    if (body !== undefined) sent['content-length'] = body instanceof Uint8Array ? body.length : body.size;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        if (body !== undefined && !(body instanceof Uint8Array)) body.stream.destroy();
        reject(new GyreError('UNAVAILABLE', `${to.origin} does not answer: ${messageOf(error)}`, {}, { cause: error }));
      };
      const request = this.#client.request(
        {
          protocol: to.protocol,
          hostname: to.hostname.replace(/^\[|\]$/g, ''),
          port: to.port,
          method,
          path: this.#base + path,
          headers: sent,
          agent: this.#agent,
        },
        (answer) => {
          answer.setTimeout(idleMs, () => answer.destroy(new Error('nothing came for too long')));
          resolve(Object.assign(answer, { statusCode: answer.statusCode ?? 502 }));
        },
      );
      request.setNoDelay(true);
      request.setTimeout(idleMs, () => request.destroy(new Error(`nothing came for ${idleMs} ms`)));
      request.on('error', fail);
      if (body === undefined) request.end();
      else if (body instanceof Uint8Array) request.end(body);
      else body.stream.on('error', fail).pipe(request);
    });
  }

  /** Sends and reads the whole answer. @throws GyreError UNAVAILABLE as `send` does, also when the answer breaks off */
  async ask(outgoing: Outgoing): Promise<ReadAnswer> {
    const answer = await this.send(outgoing);
    return { status: answer.statusCode, headers: answer.headers, text: await readText(answer, this.#options.to.origin) };
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

async function readText(answer: Incoming, origin: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > mostAnswerBytes) throw new Error(`the answer is larger than ${mostAnswerBytes} bytes`);
    }
  } catch (error) {
    throw new GyreError('UNAVAILABLE', `the answer of ${origin} broke off: ${messageOf(error)}`, {}, { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8');
}
