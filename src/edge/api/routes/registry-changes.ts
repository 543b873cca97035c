import { Type } from 'typebox';
import { requirePermission } from '#access';
import type { Principal } from '#access';
import { ModelName, ModelVersion, RegisteredModel, TestReport, VersionTest, modelStages, oneOf, strict } from '#contract';
import type { Registry } from '#registry';
import { route, type Route } from '../route.ts';

const Tags = Type.Record(Type.String({ minLength: 1, maxLength: 250 }), Type.String({ maxLength: 100_000 }));
const Description = Type.String({ maxLength: 100_000 });
const ByName = strict({ name: ModelName });
const ByVersion = strict({
  name: ModelName,
  version: Type.String({ minLength: 1, maxLength: 128, description: 'its number, an alias, or `latest`' }),
});
const Deleted = strict({ deleted: Type.Literal(true) });

/**
 * What a model that Gyre has tested is released as is for those to say who may release.
 * @throws GyreError PERMISSION_DENIED
 */
export async function requireRelease(registry: Registry, principal: Principal, model: string): Promise<void> {
  if (!principal.permissions.has('release') && (await registry.isGoverned(model))) requirePermission(principal, 'release');
}

/** What people do with models and versions that are registered, or trained elsewhere. */
export const registryChangeRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/models',
    permission: 'build',
    tag: 'registry',
    summary: 'Registers a model without versions',
    body: strict({ name: ModelName, description: Type.Optional(Description), tags: Type.Optional(Tags) }),
    answer: RegisteredModel,
    handle: ({ registry }, { body, by }) => registry.createModel({ ...body, by }),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/models/:name',
    permission: 'build',
    tag: 'registry',
    summary: 'Describes a model anew, or gives it another name',
    params: ByName,
    body: strict({ description: Type.Optional(Description), name: Type.Optional(ModelName) }),
    answer: RegisteredModel,
    handle: async ({ registry }, { params: { name }, body, by, principal }) => {
      if (body.description !== undefined) await registry.describeModel({ name, description: body.description, by });
      if (body.name === undefined || body.name === name) return registry.getModel(name);
      await requireRelease(registry, principal, name);
      return registry.renameModel({ name, to: body.name, by });
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/models/:name',
    permission: 'build',
    tag: 'registry',
    summary: 'Deletes a model with its versions; their records stay, their files go with the next garbage collection',
    params: ByName,
    answer: Deleted,
    handle: async ({ registry }, { params: { name }, by, principal }) => {
      await requireRelease(registry, principal, name);
      await registry.deleteModel({ name, by });
      return { deleted: true as const };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/models/:name/tags',
    permission: 'build',
    tag: 'registry',
    summary: 'Sets tags of a model; null removes one',
    params: ByName,
    body: strict({ tags: Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()])) }),
    answer: RegisteredModel,
    handle: ({ registry }, { params, body, by }) => registry.setModelTags({ ...params, ...body, by }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/models/:name/versions',
    permission: 'build',
    tag: 'registry',
    summary: 'Registers uploaded files as the next version of a model, which is made when there is none',
    description:
      'The files are first put under `/api/2.0/mlflow-artifacts/artifacts/model-uploads/<SHA-256>/<path>`, in a folder of its own: 64 hex digits, such as the digest of what is in it. Where `examples.json` is among them, its reference answers are held against what `model.onnx` gives.',
    params: ByName,
    body: strict({
      source: Type.String({ pattern: '^mlflow-artifacts:/model-uploads/[0-9a-f]{64}$' }),
      description: Type.Optional(Description),
      tags: Type.Optional(Tags),
    }),
    answer: ModelVersion,
    handle: ({ registry }, { params, body, by }) =>
      registry.registerVersion({ model: params.name, makesModel: true, checksExamples: true, ...body, by }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/models/:name/versions/:version/test',
    permission: 'build',
    tag: 'registry',
    summary: 'Tests a version that was trained elsewhere as the project tests its own, and packs it for a release',
    description:
      'Its ONNX graph is put behind named columns and judged on held-out rows by the charter’s thresholds and the project’s gates. The files that were brought stay as they are.',
    params: ByVersion,
    body: VersionTest,
    answer: TestReport,
    handle: async ({ loop, registry }, { params, body, by }) => {
      const { model, version } = await registry.get(params.name, params.version);
      return (await loop.testVersion({ ...body, model, version, by })).report;
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/models/:name/versions/:version',
    permission: 'build',
    tag: 'registry',
    summary: 'Describes a version anew',
    params: ByVersion,
    body: strict({ description: Description }),
    answer: ModelVersion,
    handle: async ({ registry }, { params, body, by }) => {
      const { model, version } = await registry.get(params.name, params.version);
      return registry.describeVersion({ model, version, ...body, by });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/models/:name/versions/:version/stage',
    permission: 'build',
    tag: 'registry',
    summary: 'Moves a version to a stage; `Production` of a model that Gyre has tested needs the permission to release as well',
    params: ByVersion,
    body: strict({
      stage: oneOf(modelStages),
      archiveOthers: Type.Optional(Type.Boolean({ description: 'those in the stage now are archived' })),
    }),
    answer: ModelVersion,
    handle: async ({ registry }, { params, body, by, principal }) => {
      const { model, version, stage } = await registry.get(params.name, params.version);
      if (body.stage === 'Production' || stage === 'Production') await requireRelease(registry, principal, model);
      return registry.moveToStage({ model, version, ...body, by });
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/models/:name/versions/:version',
    permission: 'build',
    tag: 'registry',
    summary: 'Deletes a version; its record stays, its files go with the next garbage collection',
    params: ByVersion,
    answer: ModelVersion,
    handle: async ({ registry }, { params, by, principal }) => {
      const { id, model, version, aliases, stage } = await registry.get(params.name, params.version);
      if (stage === 'Production' || aliases.includes('champion')) await requireRelease(registry, principal, model);
      await registry.deleteVersion({ model, version, by });
      return registry.getById(id);
    },
  }),
];
