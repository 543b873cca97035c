import { Type } from 'typebox';
import { isEverywhere } from '#access';
import type { Principal } from '#access';
import { ModelConversion, ModelName, VersionConversion, page, strict } from '#contract';
import type { ApiDeps } from '../port.ts';
import { route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';
import { requireModel } from './batch-rights.ts';

/** Versions that only Python can load become versions with a graph. */
export const conversionRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/models/:name/versions/:version/convert',
    permission: 'build',
    tag: 'registry',
    summary: 'Begins to convert a version that only Python can load to an ONNX graph, which becomes the next version',
    description:
      'A version of one bare file (a pickle, a model of XGBoost’s, LightGBM’s, PyTorch’s or Keras’s) is converted as well. Executes code from the version’s files, in a process of its own on this machine, where serve.python of the project allows that; one at a time. Both are asked about the same rows; a graph that differs by more than the tolerance is not kept. What they differ by stands in the new version’s `conversion.json`.',
    params: strict({
      name: ModelName,
      version: Type.String({ minLength: 1, maxLength: 128, description: 'its number, an alias, or `latest`' }),
    }),
    body: VersionConversion,
    answer: ModelConversion,
    status: 202,
    handle: async ({ registry }, { params, body, by }) => {
      const { model, version } = await registry.get(params.name, params.version);
      return registry.conversions.start({ ...body, model, version, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/model-conversions',
    permission: 'read',
    tag: 'registry',
    summary: 'Conversions to ONNX graphs, newest first; one that goes on says what it is at',
    query: strict({ ...paging, model: Type.Optional(ModelName) }),
    answer: page(ModelConversion),
    handle: async ({ access, registry }, { query, principal }) => {
      const found = await registry.conversions.list(query);
      const rights = await access.grants.rightsOf(principal);
      if (isEverywhere(rights.reach('read', 'registered_model'))) return found;
      return { ...found, items: found.items.filter(({ from }) => rights.may('read', 'registered_model', from.model)) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/model-conversions/:id',
    permission: 'read',
    tag: 'registry',
    summary: 'What a conversion is at and what its converter says, or what came of it',
    params: ById,
    answer: ModelConversion,
    handle: (rooms, { params, principal }) => readable(rooms, principal, params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/model-conversions/:id',
    permission: 'build',
    tag: 'registry',
    summary: 'Stops a conversion with all that its process has started: nothing of it is kept; one that has ended stays as it is',
    params: ById,
    answer: ModelConversion,
    handle: async (rooms, { params, principal }) => {
      await readable(rooms, principal, params.id);
      return rooms.registry.conversions.cancel(params.id);
    },
  }),
];

async function readable(rooms: ApiDeps, principal: Principal, id: string): Promise<ModelConversion> {
  const found = await rooms.registry.conversions.get(id);
  await requireModel(rooms, principal, found.from.model);
  return found;
}
