import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { GyreError, messageOf } from '#core';
import { isLoopback, requireOwnHost } from './callers.ts';
import type { CallerRules } from './callers.ts';
import { limitBodies } from './body-time.ts';
import { lfsPrefix, mountLfs } from './mount-lfs.ts';
import { mountMlflow } from './mount-mlflow.ts';
import { asksForPage, isPagePath, openPages } from './pages.ts';
import type { Pages } from './pages.ts';
import type { Api, ApiDeps } from './port.ts';
import { problemType, refusalOf } from './problems.ts';
import { registerRoutes } from './register.ts';
import type { Route } from './route.ts';
import { allRoutes } from './table.ts';

/** Nothing but what this server sends itself; no page may show ours in a frame. */
const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Bodies below these are streams of any length. */
const streamPrefixes = [`${lfsPrefix}/`, '/api/2.0/mlflow-artifacts/', '/ajax-api/2.0/mlflow-artifacts/'];

/** As long as Node gives a request where it is let. */
const usualBodyTimeoutMs = 300_000;

/**
 * Opens the HTTP API; when it resolves, the server listens.
 * @throws GyreError ALREADY_EXISTS when the port is in use; PERMISSION_DENIED for a port that this user may not have; INVALID_ARGUMENT for an
 * address that is none of this machine's, or a certificate and key that do not fit
 */
export async function openApi(deps: ApiDeps): Promise<Api> {
  const closing = new AbortController();
  const server = createInstance(deps);
  const rules: CallerRules = {
    access: deps.access,
    allowLocal: deps.allowLocal,
    hostNames: new Set([deps.host, ...(deps.hostNames ?? [])].map((name) => name.toLowerCase())),
  };
  const routes = allRoutes();
  observe(server, deps);
  limitBodies(server, { withinMs: deps.bodyTimeoutMs ?? usualBodyTimeoutMs, except: streamPrefixes });
  server.setErrorHandler((error: unknown, request, reply) => refuse(error, request, reply, deps));
  const pages = openPages(deps.uiFolder);
  server.setNotFoundHandler(unknownAddress(routes, rules, pages));
  if (deps.uiFolder !== undefined) {
    server.addHook('onRequest', async (request, reply) => {
      if (!asksForPage(request)) return;
      requireOwnHost(request, rules);
      return pages.answer('/', request, reply);
    });
  }
  server.removeContentTypeParser('text/plain');
  registerRoutes(server, routes, { deps, rules, closing: closing.signal });
  mountLfs(server, deps, rules);
  mountMlflow(server, deps, rules);
  const address = await listen(server, deps);
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await server.close();
    },
  };
}

function createInstance(deps: ApiDeps): FastifyInstance {
  const { tls } = deps;
  const make = (): FastifyInstance =>
    fastify({
      logger: false,
      genReqId: () => deps.newId(),
      exposeHeadRoutes: false,
      routerOptions: { maxParamLength: 300, ignoreTrailingSlash: true },
      // Clients that were given an address with a slash at its end begin their paths with two.
      rewriteUrl: ({ url = '/' }) => url.replace(/^\/{2,}/, '/'),
      // The first fault ends a validation: a body of a million faults must not cost a million messages. Values and schema are for the words.
      ajv: {
        customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false, verbose: true, strict: false },
      },
      frameworkErrors: (error, request, reply) => {
        void refuse(error, request, reply, deps);
      },
      // Node's limit is one for all requests, and long uploads of Git LFS would be cut by it: `limitBodies` stands for it.
      serverFactory: (handler) =>
        tls === undefined
          ? createServer({ requestTimeout: 0 }, handler)
          : createSecureServer({ cert: tls.cert, key: tls.key, requestTimeout: 0 }, handler),
    });
  try {
    return make();
  } catch (error) {
    if (tls === undefined) throw error;
    throw new GyreError('INVALID_ARGUMENT', `the certificate and key cannot be used: ${messageOf(error)}`, {}, { cause: error });
  }
}

/** Security headers on every answer, figures about each, and a line in the log. */
function observe(server: FastifyInstance, { metrics, log }: ApiDeps): void {
  const labels = ['method', 'route', 'status'];
  const requests = metrics.counter({ name: 'gyre_http_requests_total', help: 'Requests that were answered.', labels });
  const seconds = metrics.histogram({
    name: 'gyre_http_request_duration_seconds',
    help: 'Time until an answer was sent.',
    labels: ['method', 'route'],
  });
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders).header('x-request-id', request.id);
  });
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? '(none)';
    requests.inc({ method: request.method, route, status: String(reply.statusCode) });
    seconds.observe(reply.elapsedTime / 1000, { method: request.method, route });
    log.debug(
      { request: request.id, method: request.method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    );
  });
}

async function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, { log }: ApiDeps): Promise<FastifyReply> {
  const { problem, headers, unexpected } = refusalOf(error, request.id);
  if (unexpected) log.error({ error, request: request.id, method: request.method, route: request.routeOptions.url }, 'a request failed');
  return (
    reply
      .code(problem.status)
      .headers({ ...securityHeaders, 'x-request-id': request.id, ...headers, 'cache-control': 'no-store' })
      .type(problemType)
      // As bytes: Fastify adds a charset to JSON as text, and this media type has none.
      .send(Buffer.from(JSON.stringify(problem)))
  );
}

/** What is no route: an address of the web pages, a known path asked with another method, or nothing at all. */
function unknownAddress(routes: readonly Route[], rules: CallerRules, pages: Pages) {
  const patterns = routes.map(({ method, path }) => ({ method, pattern: patternOf(path) }));
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    requireOwnHost(request, rules);
    const path = new URL(request.url, 'http://host').pathname;
    if (isPagePath(request.method, path)) return pages.answer(path, request, reply);
    const methods = [...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
    if (methods.length > 0) {
      reply.header('allow', methods.join(', '));
      throw Object.assign(
        new Error(`${request.method} is not answered at ${path}: ${methods.join(' and ')} ${methods.length === 1 ? 'is' : 'are'}`),
        {
          statusCode: 405,
        },
      );
    }
    throw new GyreError('NOT_FOUND', `there is no ${path}; the API is described at /api/docs`, { path });
  };
}

function patternOf(path: string): RegExp {
  const steps = path
    .split('/')
    .map((step) => (step.startsWith(':') ? '[^/]+' : step === '*' ? '.*' : step.replaceAll('.', String.raw`\.`)));
  return new RegExp(`^${steps.join('/')}/?$`);
}

async function listen(server: FastifyInstance, { host, port, tls }: ApiDeps): Promise<string> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw listenError(error, host, port);
  }
  const bound = server.addresses().at(0);
  return `${tls === undefined ? 'http' : 'https'}://${reachable(host)}:${typeof bound === 'object' ? bound.port : port}`;
}

/** A host that this machine reaches the server by: "all addresses" is none. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  const name = host === '::' ? '::1' : host;
  return name.includes(':') ? `[${name}]` : name;
}

function listenError(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const options = { cause: error };
  switch (code) {
    case 'EADDRINUSE':
      return new GyreError(
        'ALREADY_EXISTS',
        `port ${port} of ${host} is in use by another program: stop it, or take another one with --port (0 takes a free one)`,
        { host, port },
        options,
      );
    case 'EACCES':
      return new GyreError(
        'PERMISSION_DENIED',
        `port ${port} needs rights that this user does not have: take one above 1023`,
        { host, port },
        options,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN': {
      const right = isLoopback(host) ? '127.0.0.1 or ::1' : '127.0.0.1, 0.0.0.0 or an address of a network card';
      return new GyreError('INVALID_ARGUMENT', `"${host}" is no address of this machine: ${right} would be`, { host, port }, options);
    }
    default:
      return error;
  }
}
