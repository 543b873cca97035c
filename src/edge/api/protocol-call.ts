import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GyreError } from '#core';
import type { ApiDeps } from './port.ts';

/*
 * What the foreign protocols that this server speaks have in common: bodies are streams, and answers are what the protocol makes of them.
 */

/** An upload that brings nothing for so long has ended. */
const idleMs = 120_000;

/** So long the rest of a refused upload is thrown away, so that the answer is read before the connection ends. */
const drainMs = 30_000;

interface ProtocolAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** The values of a path's parameters. */
export function paramsOf(params: unknown): Readonly<Record<string, string>> {
  const pairs = typeof params === 'object' && params !== null ? Object.entries(params) : [];
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}

/** The server's base URL as the caller wrote it: addresses in answers have to lead back the same way, also through a proxy that ends TLS. */
export function addressOf({ headers }: FastifyRequest, { tls }: ApiDeps): string {
  const forwarded = headers['x-forwarded-proto'];
  const scheme = tls !== undefined || forwarded === 'https' ? 'https' : 'http';
  return `${scheme}://${headers.host ?? ''}`;
}

/** A request's body as it comes. @throws GyreError CANCELLED when the caller goes away */
export async function* bodyOf({ raw }: FastifyRequest): AsyncGenerator<Uint8Array> {
  raw.setTimeout(idleMs, () => raw.destroy());
  try {
    // Left early, it must not end the connection, on which the answer has still to go.
    for await (const chunk of raw.iterator({ destroyOnReturn: false })) yield toBytes(chunk);
  } catch (error) {
    throw new GyreError('CANCELLED', 'the connection ended before the body did', {}, { cause: error });
  }
}

/** The server throws away what still comes of a request that was answered; whoever goes on sending for long is cut off. */
export function endRefused({ raw }: FastifyRequest): void {
  if (raw.complete) return;
  // Of a body that was read in part, Node throws nothing away by itself.
  raw.resume();
  const timer = setTimeout(() => raw.destroy(), drainMs);
  timer.unref();
  raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new GyreError('INTERNAL', 'a request gave something else than bytes');
}

/** Sends what a protocol's route answers. */
export function answerWith({ status, headers, body }: ProtocolAnswer, reply: FastifyReply): FastifyReply {
  reply.code(status).headers(headers);
  if (typeof body === 'string') return reply.send(Buffer.from(body));
  return reply.send(body instanceof Uint8Array ? body : Readable.from(body, { objectMode: false }));
}
