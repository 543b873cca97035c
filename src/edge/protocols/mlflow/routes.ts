import type { MlflowOptions, MlflowRoute } from './port.ts';
import { serverRoutes } from './server-routes.ts';

/** Every route of the protocol that this server answers; what the clients know beside them is answered with 501. */
export function mlflowRoutes(options: MlflowOptions): readonly MlflowRoute[] {
  return [...serverRoutes(options)];
}

/** Where a route's path stands: below `/api` and its twin `/ajax-api`, or as it is. */
export function addressesOf({ path }: Pick<MlflowRoute, 'path'>): readonly string[] {
  return /^\/[23]\.0\//.test(path) ? [`/api${path}`, `/ajax-api${path}`] : [path];
}
