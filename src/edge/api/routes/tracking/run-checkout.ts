import { Type } from 'typebox';
import { Id, RunCheckout, RunClone, RunCloneRequest, strict } from '#contract';
import { GyreError } from '#core';
import { modelArtifactsOf, ownPathOf, ownRunId, requireArtifactPath } from '#training';
import { storedFile } from '../../files.ts';
import { fileRoute, route, type Route } from '../../route.ts';
import { checkoutOf } from '../../runs/checkout.ts';
import { cloneRun } from '../../runs/clone.ts';
import { ById } from '../../shapes.ts';

/** How a run is had again: what it was made from, as far as it is known. */
export const runCheckoutRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/checkout',
    permission: 'read',
    tag: 'training',
    summary: 'What a checkout of a run restores: code, data, parameters, environment; and what it cannot, and why',
    params: ById,
    answer: RunCheckout,
    handle: (rooms, { params }) => checkoutOf(rooms, params.id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/:id/clone',
    permission: 'log',
    tag: 'training',
    summary:
      'Clones a run with changes: trains it again (which needs the permission `build`), or opens a record for the script that made it',
    params: ById,
    body: RunCloneRequest,
    answer: RunClone,
    status: 201,
    handle: (rooms, { params, body, by, principal }) =>
      cloneRun(rooms, { ...body, run: params.id, by, mayBuild: principal.permissions.has('build') }),
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/runs/:id/patch',
    permission: 'read',
    tag: 'training',
    summary: 'The changes beside its commit that a run was made with',
    params: ById,
    types: ['application/octet-stream'],
    answers: 'A patch as `git apply` takes it.',
    handle: async ({ training }, { params }) => {
      const id = ownRunId(params.id);
      const { code } = await training.getRun(id);
      return storedFile('changes.patch', code.patch ?? '', await training.readPatch(id));
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/logged-models/:id/artifacts/*',
    permission: 'read',
    tag: 'training',
    summary: 'A file of a logged model',
    params: strict({ id: Id, '*': Type.String({ minLength: 1, description: 'its path below the model’s own folder' }) }),
    types: ['application/octet-stream', 'application/json'],
    answers: 'The bytes of the file.',
    handle: async ({ training }, { params }) => {
      const path = requireArtifactPath(params['*']);
      const model = await training.loggedModels.get(params.id, { deleted: true });
      const folder = ownPathOf(modelArtifactsOf(model));
      if (folder === undefined)
        throw new GyreError(
          'FAILED_PRECONDITION',
          `the files of logged model ${model.id} are at ${modelArtifactsOf(model)}, which is not read from here`,
        );
      const file = await training.artifacts.stat(`${folder}/${path}`);
      if (file?.kind !== 'file') throw new GyreError('NOT_FOUND', `logged model ${model.id} has no file "${path}"`);
      return storedFile(path, file.digest, await training.artifacts.open(`${folder}/${path}`), file.size);
    },
  }),
];
