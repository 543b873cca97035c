import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requirePermission } from '#access';
import type { Principal } from '#access';
import { GyreError, isGyreError } from '#core';
import { addressesOf, describeError, mlflowRoutes } from '#mlflow';
import { principalOf, requireOwnHost } from './callers.ts';
import type { CallerRules } from './callers.ts';
import type { ApiDeps } from './port.ts';
import { answerWith, bodyOf, endRefused, paramsOf } from './protocol-call.ts';

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
    for (const route of mlflowRoutes({ training: deps.training, registry: deps.registry, clock: deps.clock, version: deps.version })) {
      const { method, permission, handle } = route;
      for (const url of addressesOf(route)) {
        scope.route({
          method,
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
              ...(principal === undefined ? {} : { principal }),
            });
            return answerWith(answer, reply);
          },
        });
      }
    }
  });
}

/** As everywhere, and by a token as the password of Basic: `MLFLOW_TRACKING_PASSWORD`. */
async function mlflowPrincipal(request: FastifyRequest, rules: CallerRules): Promise<Principal> {
  const { authorization } = request.headers;
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return principalOf(request, rules);
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  return rules.access.authenticate(pair.slice(pair.indexOf(':') + 1));
}
