import { GyreError } from '#core';
import type { MountedRoute } from './port.ts';
import { type ProtocolRoute, protocolRoutes } from './protocol-routes.ts';

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * What clients ask beyond the routes that are answered: a clear 501 for what the protocol knows, a 404 for what it does not know either.
 * They take what the answered routes leave, so that no route of the protocol falls to whatever else the server answers.
 * They do nothing to any record, and so need no more than to be somebody.
 * @param answered routes that stand before these; none is repeated
 */
export function laterRoutes(answered: readonly MountedRoute[]): readonly MountedRoute[] {
  const elsewhere = [
    ...new Set(protocolRoutes.flatMap(({ path }) => (versioned.test(path) || ofPlatform.has(path) ? [] : [rootOf(path)]))),
  ];
  return ['/2.0/*', '/3.0/*', ...elsewhere].flatMap((path) =>
    methods.flatMap((method): readonly MountedRoute[] => {
      if (answered.some((route) => route.method === method && route.path === path)) return [];
      return [{ method, path, permission: 'read', isGuarded: true, handle: ({ params }) => refuse(method, path, params['*']) }];
    }),
  );
}

/** The part of the table that no room of the protocol answers: the platform does. */
const ofPlatform: ReadonlySet<string> = new Set(['/health', '/version']);
const versioned = /^\/(ajax-)?api\//;

function rootOf(path: string): string {
  const [, first] = path.split('/');
  return path === `/${first}` ? path : `/${first}/*`;
}

async function refuse(method: string, pattern: string, rest = ''): Promise<never> {
  const path = pattern.replace('*', rest);
  const known = protocolRoutes.find((route) => route.method === method && shapeOf(route).test(path));
  if (known !== undefined) {
    throw new GyreError(
      'UNIMPLEMENTED',
      `${known.name} (${method} ${known.path}) is not implemented by this server; docs/mlflow.md lists what is`,
    );
  }
  throw new GyreError('NOT_FOUND', `the MLflow protocol has no ${method} ${path}`, { endpoint: path });
}

function shapeOf({ path }: ProtocolRoute): RegExp {
  const inside = path.replace(versioned, '/');
  const parts = inside
    .split(/(\{\w+\*?\})/)
    .map((part) => (part.startsWith('{') ? (part.endsWith('*}') ? '.+' : '[^/]+') : RegExp.escape(part)));
  return new RegExp(`^${parts.join('')}/?$`);
}
