import { Type } from 'typebox';
import { isEverywhere } from '#access';
import type { Principal } from '#access';
import { BatchPrediction, BatchRequestBody, ModelName, Name, page, strict } from '#contract';
import type { ApiDeps } from '../port.ts';
import { route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';
import { requireMayPredict, requireModel } from './batch-rights.ts';

export const batchRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/batch-predictions',
    permission: 'predict',
    tag: 'batch',
    summary: 'Begins to predict a table with a registered model; each row comes out with its prediction or the reason why it has none',
    description:
      'It goes on in the background, also after the platform was killed; its own address tells how far it is and what came of it, and so does the event stream (`event: progress`). The predictions become a dataset version, and go to `output` besides.',
    body: BatchRequestBody,
    answer: BatchPrediction,
    status: 202,
    handle: async (rooms, { body, by, principal }) => {
      await requireMayPredict(rooms, principal, body);
      return rooms.batches.start({ body, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/batch-predictions',
    permission: 'read',
    tag: 'batch',
    summary: 'Batch predictions, newest first; those that go on say how far they are',
    query: strict({ ...paging, model: Type.Optional(ModelName), schedule: Type.Optional(Name) }),
    answer: page(BatchPrediction),
    handle: async (rooms, { query, principal }) => {
      const found = await rooms.batches.list(query);
      const rights = await rooms.access.grants.rightsOf(principal);
      if (isEverywhere(rights.reach('read', 'registered_model'))) return found;
      return { ...found, items: found.items.filter(({ model }) => rights.may('read', 'registered_model', model.name)) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/batch-predictions/:id',
    permission: 'read',
    tag: 'batch',
    summary: 'How a batch prediction goes, or what came of it',
    params: ById,
    answer: BatchPrediction,
    handle: (rooms, { params, principal }) => readable(rooms, principal, params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/batch-predictions/:id',
    permission: 'predict',
    tag: 'batch',
    summary: 'Stops a batch prediction: nothing of it is published; one that has ended stays as it is',
    params: ById,
    answer: BatchPrediction,
    handle: async (rooms, { params, principal }) => {
      await readable(rooms, principal, params.id);
      return rooms.batches.cancel(params.id);
    },
  }),
];

async function readable(rooms: ApiDeps, principal: Principal, id: string): Promise<BatchPrediction> {
  const found = await rooms.batches.get(id);
  await requireModel(rooms, principal, found.model.name);
  return found;
}
