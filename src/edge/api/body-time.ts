import type { FastifyInstance } from 'fastify';

export interface BodyTime {
  /** From the end of a request's header. */
  readonly withinMs: number;
  /** Paths that begin with one of these are left alone: their bodies are streams. */
  readonly except: readonly string[];
}

/** Answers 408 to a request whose body has not arrived in time: callers that dribble bytes would hold their connections for ever. */
export function limitBodies(server: FastifyInstance, { withinMs, except }: BodyTime): void {
  server.addHook('onRequest', async (request, reply) => {
    const { raw, headers } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
    if (!hasBody || except.some((prefix) => request.url.startsWith(prefix))) return;
    const timer = setTimeout(() => {
      if (raw.complete || reply.sent) return;
      void reply.header('connection', 'close').send(Object.assign(new Error('too slow'), { statusCode: 408 }));
    }, withinMs);
    timer.unref();
    raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
}
