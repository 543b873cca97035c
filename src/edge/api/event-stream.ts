import { once } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { StreamAnswer } from './route.ts';

export interface StreamOptions {
  /** Aborts when the caller goes away or the server stops. */
  readonly signal: AbortSignal;
  /** How often a silent stream says that it is there, and whoever listens is recognised again. */
  readonly heartbeatMs: number;
  /** Rejects once the caller may no longer listen: a session ends, a token is revoked, while a stream goes on for days. */
  readonly stillThere: () => Promise<unknown>;
}

/**
 * Answers with server-sent events (WHATWG HTML, section 9.2) until the caller leaves, the server stops, or the caller may no longer listen.
 * A caller that reads slowly is waited for: nothing piles up here.
 */
export async function sendStream(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: StreamAnswer,
  options: StreamOptions,
): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const { raw } = reply;
  const headers = Object.entries(reply.getHeaders()).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  reply.hijack();
  request.socket.setNoDelay(true);
  raw.writeHead(200, {
    ...Object.fromEntries(headers),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'keep-alive',
    'x-accel-buffering': 'no',
  });
  const write = async (text: string): Promise<void> => {
    if (signal.aborted || raw.destroyed || raw.write(text)) return;
    await once(raw, 'drain', { signal }).catch(() => undefined);
  };
  const heartbeat = setInterval(() => {
    options.stillThere().then(
      () => (raw.writableNeedDrain ? undefined : write(': still here\n\n')),
      () => ended.abort(),
    );
  }, options.heartbeatMs);
  heartbeat.unref();
  try {
    await write('retry: 2000\n\n');
    await answer({ write, signal });
  } finally {
    clearInterval(heartbeat);
    raw.end();
  }
}

/** One event in the format of the stream. */
export function frame(event: { readonly id?: string; readonly event?: string; readonly data: unknown }): string {
  const id = event.id === undefined ? '' : `id: ${event.id}\n`;
  const name = event.event === undefined ? '' : `event: ${event.event}\n`;
  return `${id}${name}data: ${JSON.stringify(event.data)}\n\n`;
}
