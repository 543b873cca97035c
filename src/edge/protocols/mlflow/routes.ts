import { artifactProxyRoutes } from './artifact-proxy.ts';
import { artifactRunRoutes } from './artifact-runs.ts';
import { artifactUploadRoutes } from './artifact-uploads.ts';
import { guarded } from './authorize.ts';
import { batchRoutes } from './batch-routes.ts';
import { experimentRoutes } from './experiment-routes.ts';
import { historyRoutes } from './history-routes.ts';
import { laterRoutes } from './later-routes.ts';
import { loggedModelRoutes } from './logged-model-routes.ts';
import { openLookups } from './lookups.ts';
import { modelVersionRoutes } from './model-version-routes.ts';
import { permissionRoutes } from './permission-routes.ts';
import type { MlflowOptions, MlflowRoute, MountedRoute } from './port.ts';
import { guardOf } from './route-guards.ts';
import { roleRoutes } from './role-routes.ts';
import { registeredModelRoutes } from './registered-model-routes.ts';
import { runRoutes } from './run-routes.ts';
import { serverRoutes } from './server-routes.ts';
import { userRoutes } from './user-routes.ts';
import { webhookRoutes } from './webhook-routes.ts';

/** Every route of the protocol that this server answers, behind its guard; what the clients know beside them is answered with 501. */
export function mlflowRoutes(options: MlflowOptions): readonly MountedRoute[] {
  const lookups = openLookups(options);
  const { access } = options;
  const routes: readonly MlflowRoute[] = [
    ...serverRoutes(options),
    ...experimentRoutes(options),
    ...runRoutes(options),
    ...batchRoutes(options),
    ...historyRoutes(options),
    ...loggedModelRoutes(options),
    ...registeredModelRoutes(options),
    ...modelVersionRoutes(options),
    ...webhookRoutes(options),
    ...artifactProxyRoutes(options),
    ...artifactUploadRoutes(options),
    ...artifactRunRoutes(options),
    ...userRoutes(options),
    ...permissionRoutes({ access, lookups }),
    ...roleRoutes({ access, lookups }),
  ];
  const answered = routes.map((route) => guarded(route, guardOf(route), { access, lookups }));
  return [...answered, ...laterRoutes(answered)];
}

/** Where a route's path stands: below `/api` and its twin `/ajax-api`, or as it is. */
export function addressesOf({ path }: Pick<MlflowRoute, 'path'>): readonly string[] {
  return /^\/[23]\.0\//.test(path) ? [`/api${path}`, `/ajax-api${path}`] : [path];
}
