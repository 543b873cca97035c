import { requestFault } from './http-exchange.ts';
import type { Route } from './http-exchange.ts';

export interface Matched {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly route: Route;
  readonly segments: readonly string[];
}

/**
 * Finds the route of a request.
 * @returns a function of method and path (without query); it throws a GyreError with `details.status` 404 or 405 (naming what would be right),
 *   or 400 for a path that is badly encoded
 */
export function routerOf(routes: readonly Route[]): (method: string, path: string) => Matched {
  const patterns = routes.map((route): Pattern => ({ route, segments: route.path.split('/') }));
  return (method, path) => {
    const segments = path.split('/');
    if (segments.length > 2 && segments[segments.length - 1] === '') segments.pop();
    const wanted = method === 'HEAD' ? 'GET' : method;
    const found = patterns.filter((pattern) => fits(pattern, segments));
    const hit = found.find(({ route }) => route.method === wanted);
    if (hit !== undefined) return { route: hit.route, params: paramsOf(hit, segments) };
    if (found.length === 0)
      throw requestFault(404, 'NOT_FOUND', `there is nothing at ${path.slice(0, 200)}; GET /v2 says what this server is`);
    const allowed = found.map(({ route }) => route.method).join(', ');
    throw requestFault(405, 'UNIMPLEMENTED', `${method} is not possible at ${path.slice(0, 200)}; use ${allowed}`, { allow: allowed });
  };
}

function fits({ segments }: Pattern, path: readonly string[]): boolean {
  if (segments.length !== path.length) return false;
  for (let at = 0; at < segments.length; at++) {
    if (segments[at].startsWith(':') ? path[at] === '' : segments[at] !== path[at]) return false;
  }
  return true;
}

function paramsOf({ segments }: Pattern, path: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    if (!segment.startsWith(':')) continue;
    try {
      params[segment.slice(1)] = decodeURIComponent(path[at]);
    } catch {
      throw requestFault(400, 'INVALID_ARGUMENT', `"${path[at].slice(0, 100)}" in the path is badly percent-encoded`);
    }
  }
  return params;
}
