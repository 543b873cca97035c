import { Type } from 'typebox';
import { ManifestFiles, ManifestRequest, ModelName, strict } from '#contract';
import { manifestsFor } from '#packaging';
import { route, type Route } from '../route.ts';
import { requirePackage, requireReady } from './packaged-version.ts';

/** What runs a version's image elsewhere. */
export const manifestRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/models/:name/versions/:version/manifests',
    permission: 'read',
    tag: 'release',
    summary: 'Writes what runs a version’s image on a cluster, at a cloud or on one machine; nothing is sent there',
    description:
      'The image is named by its digest. For an environment of the project its gates must be passed, as for a release to it. The same request gives the same texts.',
    params: strict({
      name: ModelName,
      version: Type.String({ minLength: 1, maxLength: 128, description: 'its number, an alias, or `latest`' }),
    }),
    body: ManifestRequest,
    answer: ManifestFiles,
    handle: async ({ registry, release }, { params, body }) => {
      const version = await registry.get(params.name, params.version);
      requirePackage(version);
      if (body.environment !== undefined) requireReady(version, await release.readiness(version.id, body.environment));
      return manifestsFor(body, {
        model: version.model,
        version: String(version.version),
        modelVersion: version.id,
        ...(version.package === undefined ? {} : { package: version.package }),
      });
    },
  }),
];
