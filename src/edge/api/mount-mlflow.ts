import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requirePermission } from '#access';
import type { Principal } from '#access';
import { GyreError, isGyreError } from '#core';
import { addressesOf, describeError, mlflowRoutes } from '#mlflow';
import { principalOf, requireOwnHost } from './callers.ts';
import type { CallerRules } from './callers.ts';
import type { ApiDeps } from './port.ts';
import { addressOf, answerWith, bodyOf, endRefused, paramsOf } from './protocol-call.ts';

/** Mounts MLflow's REST API: bodies may be artifacts of any size, and errors are in the protocol's words. */
export function mountMlflow(server: FastifyInstance, deps: ApiDeps, rules: CallerRules): void {
  server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.setErrorHandler(async (error, request, reply) => {
      if (!isGyreError(error) || error.code === 'INTERNAL')
        deps.log.error({ error, request: request.id, route: request.routeOptions.url }, 'a request of an MLflow client failed');
      endRefused(request);
      return answerWith(describeError(error, request.id), reply);
    });
    const callers = new WeakMap<FastifyRequest, Principal>();
    for (const route of mlflowRoutes(deps)) {
      const { method, permission, handle } = route;
      for (const url of addressesOf(route)) {
        scope.route({
          method: route.givesFile === true ? [method, 'HEAD'] : method,
          url,
          onRequest: async (request) => {
            requireOwnHost(request, rules);
            if (permission === 'public') return;
            const principal = await mlflowPrincipal(request, rules);
            requirePermission(principal, permission);
            callers.set(request, principal);
          },
          handler: async (request, reply) => {
            const principal = callers.get(request);
            if (principal === undefined && permission !== 'public') throw new GyreError('UNAUTHENTICATED', 'nobody was recognised');
            const answer = await handle({
              method: request.method,
              params: paramsOf(request.params),
              query: new URL(request.url, 'http://host').searchParams,
              headers: request.headers,
              body: bodyOf(request),
              address: addressOf(request, deps),
              ...(principal === undefined ? {} : { principal }),
            });
            return answerWith(answer, reply);
          },
        });
      }
    }
  });
}

/**
 * As everywhere, and by Basic: `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, which is a password or a token. A browser that
 * remembers the pair sends it along with what other sites' pages ask: those are refused here.
 */
async function mlflowPrincipal(request: FastifyRequest, rules: CallerRules): Promise<Principal> {
  const { authorization, 'sec-fetch-site': site } = request.headers;
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return principalOf(request, rules);
  if (site === 'cross-site' || site === 'same-site') {
    throw new GyreError('PERMISSION_DENIED', 'pages of other sites may not ask this server with a password that the browser remembers');
  }
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return rules.access.authenticateBasic(pair.slice(0, Math.max(colon, 0)), pair.slice(colon + 1));
}
