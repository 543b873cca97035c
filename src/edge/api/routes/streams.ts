import { Type } from 'typebox';
import { isEverywhere } from '#access';
import type { Principal } from '#access';
import { ModelName, page, StreamPrediction, StreamRequestBody, strict } from '#contract';
import { GyreError } from '#core';
import type { ApiDeps } from '../port.ts';
import { route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';

export const streamRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/stream-predictions',
    permission: 'build',
    tag: 'streams',
    summary: 'Begins to answer the messages of a topic with a registered model, to another topic, at least once',
    description:
      'Its topics are connected to and its model is loaded before this answers. It goes on until it is stopped, also after the platform was killed. Only brokers that the file of GYRE_BROKERS names are connected to.',
    body: StreamRequestBody,
    answer: StreamPrediction,
    status: 201,
    handle: async (rooms, { body, by, principal }) => {
      await requireModel(rooms, principal, (await rooms.batches.versionOf(body.model)).model);
      return rooms.streams.start({ body, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/stream-predictions',
    permission: 'read',
    tag: 'streams',
    summary: 'Stream predictions, newest first; those that go on say how they stand, with their lag',
    query: strict({ ...paging, model: Type.Optional(ModelName) }),
    answer: page(StreamPrediction),
    handle: async (rooms, { query, principal }) => {
      const found = await rooms.streams.list(query);
      const rights = await rooms.access.grants.rightsOf(principal);
      if (isEverywhere(rights.reach('read', 'registered_model'))) return found;
      return { ...found, items: found.items.filter(({ model }) => rights.may('read', 'registered_model', model.name)) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/stream-predictions/:id',
    permission: 'read',
    tag: 'streams',
    summary: 'How a stream prediction stands: what it took, answered and could not answer, and how far it is behind',
    params: ById,
    answer: StreamPrediction,
    handle: (rooms, { params, principal }) => readable(rooms, principal, params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/stream-predictions/:id',
    permission: 'build',
    tag: 'streams',
    summary: 'Stops a stream prediction, when what it took is answered; one that has ended stays as it is',
    params: ById,
    answer: StreamPrediction,
    handle: async (rooms, { params, principal, by }) => {
      await readable(rooms, principal, params.id);
      return rooms.streams.stop(params.id, by);
    },
  }),
];

/** Whoever may read a model may have it answer, and see how that goes. */
async function requireModel({ access }: Pick<ApiDeps, 'access'>, principal: Principal, model: string): Promise<void> {
  const rights = await access.grants.rightsOf(principal);
  if (isEverywhere(rights.reach('read', 'registered_model')) || rights.may('read', 'registered_model', model)) return;
  throw new GyreError('PERMISSION_DENIED', 'you may not read this record: its model was not granted to you', {
    kind: 'registered_model',
    action: 'read',
  });
}

async function readable(rooms: ApiDeps, principal: Principal, id: string): Promise<StreamPrediction> {
  const found = await rooms.streams.get(id);
  await requireModel(rooms, principal, found.model.name);
  return found;
}
