import { Type } from 'typebox';
import {
  AliasChange,
  AliasName,
  Evidence,
  Explanation,
  Id,
  ModelName,
  ModelVersion,
  NamedRow,
  RegisteredModel,
  oneOf,
  page,
  strict,
} from '#contract';
import { requireTrained } from '#registry';
import { pageAnswer, storedFile } from '../files.ts';
import { fileRoute, route, type Route } from '../route.ts';
import { ById, Paging, paging } from '../shapes.ts';
import { requireRelease } from './registry-changes.ts';

const ByName = strict({ name: ModelName });
const ByVersion = strict({
  name: ModelName,
  version: Type.String({ minLength: 1, maxLength: 128, description: 'its number, an alias, or `latest`' }),
});

export const registryRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/models',
    permission: 'read',
    tag: 'registry',
    summary: 'Registered models, by name',
    query: Paging,
    answer: page(RegisteredModel),
    handle: ({ registry }, { query }) => registry.listModels(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/models/:name',
    permission: 'read',
    tag: 'registry',
    summary: 'A registered model',
    params: ByName,
    answer: RegisteredModel,
    handle: ({ registry }, { params }) => registry.getModel(params.name),
  }),
  route({
    method: 'GET',
    path: '/api/v1/models/:name/versions',
    permission: 'read',
    tag: 'registry',
    summary: 'The versions of a model, newest first',
    params: ByName,
    query: Paging,
    answer: page(ModelVersion),
    handle: async ({ registry }, { params, query }) => {
      const { name } = await registry.getModel(params.name);
      return registry.listVersions({ model: name, ...query });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/models/:name/versions/:version',
    permission: 'read',
    tag: 'registry',
    summary: 'A model version',
    params: ByVersion,
    answer: ModelVersion,
    handle: ({ registry }, { params }) => registry.get(params.name, params.version),
  }),
  route({
    method: 'GET',
    path: '/api/v1/model-versions',
    permission: 'read',
    tag: 'registry',
    summary: 'Versions of every model, newest first',
    query: strict({ ...paging, model: Type.Optional(ModelName), run: Type.Optional(Id) }),
    answer: page(ModelVersion),
    handle: ({ registry }, { query }) => registry.listVersions(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/model-versions/:id',
    permission: 'read',
    tag: 'registry',
    summary: 'A model version by its id',
    params: ById,
    answer: ModelVersion,
    handle: ({ registry }, { params }) => registry.getById(params.id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/models/:name/versions/:version/evidence',
    permission: 'read',
    tag: 'registry',
    summary: 'The digest of everything that a version was made from',
    params: ByVersion,
    answer: Evidence,
    handle: async ({ registry }, { params }) => registry.evidence((await registry.get(params.name, params.version)).id),
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/models/:name/versions/:version/files/*',
    permission: 'read',
    tag: 'registry',
    summary: 'A file of a version’s package, checked against its digest',
    params: Type.Object(
      { ...ByVersion.properties, '*': Type.String({ minLength: 1, description: 'the file’s path' }) },
      { additionalProperties: false },
    ),
    types: ['application/octet-stream', 'application/json', 'text/markdown'],
    answers: 'The bytes of the file.',
    handle: async ({ registry }, { params }) => {
      const { id } = await registry.get(params.name, params.version);
      const { file, bytes } = await registry.openFile(id, params['*']);
      return storedFile(file.path, file.digest, bytes, file.size);
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/models/:name/versions/:version/card',
    permission: 'read',
    tag: 'registry',
    summary: 'The model card as a page to read',
    params: ByVersion,
    types: ['text/html'],
    answers: 'A self-contained page without scripts.',
    handle: async ({ registry }, { params }) => {
      const { id } = await registry.get(params.name, params.version);
      return pageAnswer(new TextDecoder().decode(await registry.readFile(id, 'model-card.html')));
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/models/:name/versions/:version/explain',
    permission: 'read',
    tag: 'registry',
    summary: 'What moved the prediction of each of these rows',
    params: ByVersion,
    body: strict({
      rows: Type.Array(NamedRow, { minItems: 1, maxItems: 1000 }),
      groupBy: Type.Optional(oneOf(['feature', 'column'])),
      class: Type.Optional(Type.String({ description: 'multiclass: whose margin; default: the predicted one' })),
    }),
    bodyLimit: 8 * 1024 * 1024,
    answer: page(Explanation),
    handle: async ({ registry, evaluation }, { params, body: { rows, ...how } }) => {
      const { id, run } = requireTrained(await registry.get(params.name, params.version), 'an explanation');
      return { items: await evaluation.explain({ run, frame: rows, model: id, ...how }) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/models/:name/aliases',
    permission: 'build',
    tag: 'registry',
    summary: 'Gives a version an alias; `champion` of a model that Gyre has tested needs the permission to release as well',
    params: ByName,
    body: AliasChange,
    answer: ModelVersion,
    handle: async ({ registry }, { params, body, by, principal }) => {
      if (body.alias === 'champion') await requireRelease(registry, principal, params.name);
      return registry.setAlias({ model: params.name, ...body, by });
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/models/:name/aliases/:alias',
    permission: 'build',
    tag: 'registry',
    summary: 'Removes an alias; fine when it is not set',
    params: strict({ name: ModelName, alias: AliasName }),
    answer: RegisteredModel,
    handle: async ({ registry }, { params, by, principal }) => {
      if (params.alias === 'champion') await requireRelease(registry, principal, params.name);
      await registry.removeAlias({ model: params.name, alias: params.alias, by });
      return registry.getModel(params.name);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/models/:name/versions/:version/tags',
    permission: 'build',
    tag: 'registry',
    summary: 'Sets tags of a version; null removes one',
    params: ByVersion,
    body: strict({ tags: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()])) }),
    answer: ModelVersion,
    handle: async ({ registry }, { params, body, by }) => {
      const { model, version } = await registry.get(params.name, params.version);
      return registry.setTags({ model, version, tags: body.tags, by });
    },
  }),
];
