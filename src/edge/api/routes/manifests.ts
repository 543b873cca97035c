import { Type } from 'typebox';
import { ManifestFiles, ManifestRequest, ModelName, executesCode, executesCodeOnLoad, strict } from '#contract';
import type { ModelVersion, Readiness } from '#contract';
import { GyreError } from '#core';
import { manifestsFor } from '#packaging';
import { route, type Route } from '../route.ts';

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

function requirePackage(version: ModelVersion): void {
  const title = `${version.model} version ${version.version}`;
  if (version.deletedAt !== undefined) throw new GyreError('FAILED_PRECONDITION', `${title} was deleted on ${version.deletedAt}`);
  if (version.package === undefined)
    throw new GyreError('FAILED_PRECONDITION', `${title} has no files in Gyre, so no image can hold it`, { modelVersion: version.id });
  if (executesCodeOnLoad(version))
    throw new GyreError('FAILED_PRECONDITION', `${title} ${executesCode}; an image has no Python: convert the model first (gyre convert)`, {
      modelVersion: version.id,
    });
}

function requireReady({ id, model, version }: ModelVersion, { environment, ready, missing }: Readiness): void {
  if (ready) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${model} version ${version} may not run as "${environment}": ${missing.map(({ reason }) => reason).join('; ')}`,
    { modelVersion: id, environment, missing },
  );
}
