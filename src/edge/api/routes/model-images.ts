import { Type } from 'typebox';
import { isEverywhere } from '#access';
import { ImageRequest, ModelImage, ModelName, page, strict } from '#contract';
import { fileRoute, route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';
import { requireModel } from './batch-rights.ts';
import { requirePackage, requireReady } from './packaged-version.ts';
import { pageOf } from './paging.ts';

/** More than anybody looks at; they are records, and stay. */
const mostImages = 1000;

/** Container images of versions, made by the platform. */
export const modelImageRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/models/:name/versions/:version/images',
    permission: 'release',
    tag: 'release',
    summary: 'Makes a container image of a version with the data plane of this machine, and sends it where that is asked for',
    description:
      'It answers when the image is there: within a minute, and as long as a registry takes. The same version and Gyre give the same digest. Registries are those of the setting imageRegistries. For an environment of the project its gates must be passed.',
    params: strict({
      name: ModelName,
      version: Type.String({ minLength: 1, maxLength: 128, description: 'its number, an alias, or `latest`' }),
    }),
    body: ImageRequest,
    answer: ModelImage,
    status: 201,
    handle: async ({ registry, release, images }, { params, body, by }) => {
      const version = await registry.get(params.name, params.version);
      requirePackage(version);
      if (body.environment !== undefined) requireReady(version, await release.readiness(version.id, body.environment));
      return images.make({ ...body, version, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/model-images',
    permission: 'read',
    tag: 'release',
    summary: 'Images that the platform made, newest first',
    query: strict({ ...paging, model: Type.Optional(ModelName) }),
    answer: page(ModelImage),
    handle: async ({ access, images }, { query, principal }) => {
      const found = await images.list({ limit: mostImages, ...(query.model === undefined ? {} : { model: query.model }) });
      const rights = await access.grants.rightsOf(principal);
      const readable = isEverywhere(rights.reach('read', 'registered_model'))
        ? found
        : found.filter(({ model }) => rights.may('read', 'registered_model', model));
      return pageOf(readable, query, ({ id }) => id);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/model-images/:id',
    permission: 'read',
    tag: 'release',
    summary: 'An image that the platform made',
    params: ById,
    answer: ModelImage,
    handle: async (rooms, { params, principal }) => {
      const found = await rooms.images.get(params.id);
      await requireModel(rooms, principal, found.model);
      return found;
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/model-images/:id/archive',
    permission: 'read',
    tag: 'release',
    summary: 'An image as one file, which skopeo and podman take',
    params: ById,
    types: ['application/x-tar'],
    answers: 'an archive of an OCI layout',
    handle: async (rooms, { params, principal }) => {
      await requireModel(rooms, principal, (await rooms.images.get(params.id)).model);
      const { name, body } = await rooms.images.archive(params.id);
      return {
        type: 'application/x-tar',
        body,
        headers: { 'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}` },
      };
    },
  }),
];
