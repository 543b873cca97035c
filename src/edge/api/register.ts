import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { type Principal, requirePermission } from '#access';
import { GyreError } from '#core';
import { principalOf, requireOwnHost, sessionOf } from './callers.ts';
import type { CallerRules } from './callers.ts';
import { coerceQuery } from './coerce.ts';
import { sendStream } from './event-stream.ts';
import type { StreamOptions } from './event-stream.ts';
import type { ApiDeps } from './port.ts';
import { runGuarded } from './record-guards.ts';
import { assertSafe } from './route.ts';
import type { Call, FileAnswer, Route, StreamAnswer } from './route.ts';
import { NoBody } from './shapes.ts';
import { violation } from './violations.ts';
import type { HttpPart } from './violations.ts';

export interface RegisterOptions {
  readonly deps: ApiDeps;
  readonly rules: CallerRules;
  /** Aborts when the server stops. */
  readonly closing: AbortSignal;
}

/**
 * Puts the table of routes on the server. Who is calling is asked before anything of the request's body is read; shapes are
 * compiled when a route is first asked, because compiling all of them would cost a third of the start.
 * @throws GyreError INTERNAL when a route does not name the permission it needs
 */
export function registerRoutes(server: FastifyInstance, routes: readonly Route[], options: RegisterOptions): void {
  assertSafe(routes);
  const { deps, rules, closing } = options;
  const callers = new WeakMap<FastifyRequest, Principal>();
  for (const route of routes) {
    const { permission } = route;
    server.route({
      method: route.head === true ? [route.method, 'HEAD'] : route.method,
      url: route.path,
      ...(route.bodyLimit === undefined ? {} : { bodyLimit: route.bodyLimit }),
      onRequest: async (request) => {
        requireOwnHost(request, rules);
        if (permission === 'public') return;
        const principal = await principalOf(request, rules);
        requirePermission(principal, permission);
        callers.set(request, principal);
      },
      handler: async (request, reply) => {
        const principal = callers.get(request);
        if (principal === undefined && permission !== 'public') throw new GyreError('UNAUTHENTICATED', 'nobody was recognised');
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const session = sessionOf(request);
        const call: Call<unknown, unknown, unknown> = {
          params: checked(request, 'params', route.params, request.params),
          query: checked(request, 'query', route.query ?? NoBody, coerceQuery(route.query ?? NoBody, request.query)),
          body: route.method === 'GET' ? undefined : checked(request, 'body', route.body ?? NoBody, request.body ?? {}),
          principal: principal ?? nobody,
          by: (principal ?? nobody).actor,
          request: {
            id: request.id,
            headers: request.headers,
            secure: deps.tls !== undefined,
            isHead: request.method === 'HEAD',
            ...(session === undefined ? {} : { session }),
          },
          answerHeaders: new Map(),
          signal: AbortSignal.any([closing, gone.signal]),
        };
        return send(route, await runGuarded(route, deps, call, principal), call, request, reply, {
          heartbeatMs: deps.heartbeatMs ?? usualHeartbeatMs,
          stillThere: async () => permission === 'public' || requirePermission(await principalOf(request, rules), permission),
        });
      },
    });
  }
}

/** Often enough for proxies that cut silent connections off after 30 s or more. */
const usualHeartbeatMs = 15_000;

/** Who calls a public route: somebody without a name, who may nothing. */
const nobody: Principal = {
  identity: { id: 'nobody', name: 'nobody', roles: [], simulated: false, disabled: false, createdAt: '1970-01-01T00:00:00.000Z' },
  permissions: new Set(),
  actor: { identity: 'nobody', name: 'nobody' },
  via: 'local',
};

function checked(request: FastifyRequest, part: HttpPart, schema: TSchema | undefined, value: unknown): unknown {
  if (schema === undefined) return value;
  const validate = request.compileValidationSchema(schema, part === 'query' ? 'querystring' : part);
  if (!validate(value)) throw violation(part, validate.errors ?? []);
  return value;
}

async function send(
  route: Route,
  answer: unknown,
  call: Call<unknown, unknown, unknown>,
  request: FastifyRequest,
  reply: FastifyReply,
  stream: Omit<StreamOptions, 'signal'>,
): Promise<FastifyReply> {
  for (const [name, value] of call.answerHeaders) reply.header(name, value);
  switch (route.answer.kind) {
    case 'json':
      return reply
        .code(route.answer.status)
        .header('cache-control', 'no-store')
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(answer));
    case 'file': {
      // The kind of a route's answer says what its handler gives: both are made by the same constructor.
      const { status = 200, type, body, headers = {} } = answer as FileAnswer;
      reply
        .code(status)
        .type(type)
        .headers({ 'cache-control': 'no-store', ...headers });
      if (request.method === 'HEAD') return reply.send();
      return reply.send(typeof body === 'string' || body instanceof Uint8Array ? body : Readable.from(body, { objectMode: false }));
    }
    case 'stream':
      await sendStream(request, reply, answer as StreamAnswer, { ...stream, signal: call.signal });
      return reply;
  }
}
