import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Type } from 'typebox';
import { isEverywhere } from '#access';
import type { Principal } from '#access';
import { inputFromText, targetFromText } from '#batch';
import { BatchPrediction, BatchRequestBody, ModelName, page, strict } from '#contract';
import { GyreError } from '#core';
import type { ApiDeps } from '../port.ts';
import { route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';
import { fileInProject, filesInProject, requireInside } from './data/ingest.ts';

export const batchRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/batch-predictions',
    permission: 'build',
    tag: 'batch',
    summary: 'Begins to predict a table with a registered model; each row comes out with its prediction or the reason why it has none',
    description:
      'It goes on in the background, also after the platform was killed; its own address tells how far it is and what came of it, and so does the event stream (`event: progress`). The predictions become a dataset version, and go to `output` besides.',
    body: BatchRequestBody,
    answer: BatchPrediction,
    status: 202,
    handle: async (rooms, { body, by, principal }) => {
      const { batches, project } = rooms;
      await requireModel(rooms, principal, (await batches.versionOf(body.model)).model);
      await requireInProject(project.current().folder, body);
      return batches.start({ body, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/batch-predictions',
    permission: 'read',
    tag: 'batch',
    summary: 'Batch predictions, newest first; those that go on say how far they are',
    query: strict({ ...paging, model: Type.Optional(ModelName) }),
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
    permission: 'build',
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

/** Whoever may read a model may have it predict, and see what it predicted. */
async function requireModel({ access }: Pick<ApiDeps, 'access'>, principal: Principal, model: string): Promise<void> {
  const rights = await access.grants.rightsOf(principal);
  if (isEverywhere(rights.reach('read', 'registered_model')) || rights.may('read', 'registered_model', model)) return;
  throw new GyreError('PERMISSION_DENIED', 'you may not read this record: its model was not granted to you', {
    kind: 'registered_model',
    action: 'read',
  });
}

async function readable(rooms: ApiDeps, principal: Principal, id: string): Promise<BatchPrediction> {
  const found = await rooms.batches.get(id);
  await requireModel(rooms, principal, found.model.name);
  return found;
}

/** Whoever may build may not by that read or write every file of this machine. */
async function requireInProject(
  folder: string,
  { input, query, fromTable, output, toTable, partitionBy }: BatchRequestBody,
): Promise<void> {
  if (!input.startsWith('dataset:')) {
    const from = inputFromText(
      input,
      { ...(query === undefined ? {} : { query }), ...(fromTable === undefined ? {} : { table: fromTable }) },
      folder,
    );
    if ('path' in from) await fileInProject(folder, from.path);
    if (from.kind === 'files') await filesInProject(folder, from.pattern);
  }
  if (output === undefined) return;
  const target = targetFromText(
    output,
    { ...(toTable === undefined ? {} : { table: toTable }), ...(partitionBy === undefined ? {} : { partitionBy }) },
    folder,
  );
  if (!('path' in target)) return;
  // what is there already is replaced through its name, so a link out of the folder counts as outside as well
  const [root, place] = await Promise.all([
    realpath(folder),
    realpath(target.path).catch(() => realpath(dirname(target.path)).catch(() => undefined)),
  ]);
  if (place === undefined) throw new GyreError('NOT_FOUND', `there is no folder for the output "${output}" in the project’s folder`);
  requireInside(root, place, output);
}
