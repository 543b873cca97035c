import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Principal } from '#access';
import { GyreError, hasCode, isGyreError } from '#core';
import { describeError, lfsRoutes } from '#lfs';
import type { LfsCall } from '#lfs';
import { principalOf, requireOwnHost } from './callers.ts';
import type { CallerRules } from './callers.ts';
import type { ApiDeps } from './port.ts';
import { addressOf, answerWith, bodyOf, endRefused, paramsOf } from './protocol-call.ts';

/** Where Git LFS answers. Bodies below it are streams without a limit of size or time. */
export const lfsPrefix = '/lfs';

/** Mounts the Git LFS API: its bodies are no JSON of ours, and its errors are in the protocol's words. */
export function mountLfs(server: FastifyInstance, deps: ApiDeps, rules: CallerRules): void {
  server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.setErrorHandler(async (error, request, reply) => {
      if (!isGyreError(error) || error.code === 'INTERNAL')
        deps.log.error({ error, request: request.id, route: request.routeOptions.url }, 'a Git LFS request failed');
      endRefused(request);
      return answerWith(describeError(error, { id: request.id, address: addressOf(request, deps) }), reply);
    });
    const callers = new WeakMap<FastifyRequest, Principal>();
    scope.addHook('onRequest', async (request) => {
      requireOwnHost(request, rules);
      callers.set(request, await lfsPrincipal(request, rules));
    });
    for (const { method, path, handle } of lfsRoutes({ lfs: deps.lfs })) {
      scope.route({
        method,
        url: path,
        handler: async (request, reply) => {
          const principal = callers.get(request);
          if (principal === undefined) throw new GyreError('UNAUTHENTICATED', 'nobody was recognised');
          const call: LfsCall = {
            params: paramsOf(request.params),
            query: new URL(request.url, 'http://host').searchParams,
            headers: request.headers,
            body: bodyOf(request),
            principal,
            address: addressOf(request, deps),
          };
          return answerWith(await handle(call), reply);
        },
      });
    }
    scope.route({
      method: ['GET', 'POST', 'PUT', 'DELETE'],
      url: `${lfsPrefix}/*`,
      handler: async (request) => {
        throw new GyreError('NOT_FOUND', `Git LFS has no ${request.method} ${new URL(request.url, 'http://host').pathname} here`);
      },
    });
  });
}

/**
 * As everywhere, and by a token as the password of Basic, which is what git's credential helpers give. A token that is not accepted is
 * answered with 403: at 401 git-lfs asks its helper again, and for ever where that has no other answer.
 */
async function lfsPrincipal(request: FastifyRequest, rules: CallerRules): Promise<Principal> {
  const { authorization } = request.headers;
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? '') ?? [];
  try {
    if (encoded === undefined) return await principalOf(request, rules);
    const pair = Buffer.from(encoded, 'base64').toString('utf8');
    return await rules.access.authenticate(pair.slice(pair.indexOf(':') + 1));
  } catch (error) {
    if (authorization === undefined || !hasCode(error, 'UNAUTHENTICATED')) throw error;
    throw new GyreError('PERMISSION_DENIED', `${error.message}; "git credential reject" forgets a stored one`, {}, { cause: error });
  }
}
