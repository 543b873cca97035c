import { Type } from 'typebox';
import { actorOf } from '#access';
import { Finding, Id, Instant, findingSeverities, findingStates, oneOf, page, strict } from '#contract';
import { route, type Route } from '../route.ts';
import { ById, paging, Reason, VersionReference } from '../shapes.ts';
import { pageOf } from './paging.ts';
import { ofReadableModels, readableVersion } from './readable-version.ts';

const Word = strict({ statement: Reason });

export const findingRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/findings',
    permission: 'read',
    tag: 'release',
    summary: 'What people found wrong with versions, newest first; those that are open after their due date are marked',
    query: strict({ ...paging, modelVersion: Type.Optional(VersionReference), state: Type.Optional(oneOf(findingStates)) }),
    answer: page(Finding),
    handle: async (rooms, { query: { modelVersion, state, ...pages }, principal }) => {
      const filter = {
        ...(modelVersion === undefined ? {} : { modelVersion: (await readableVersion(rooms, principal, modelVersion)).id }),
        ...(state === undefined ? {} : { state }),
      };
      return pageOf(await ofReadableModels(rooms, principal, await rooms.release.findings.list(filter)), pages, ({ id }) => id);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/findings',
    permission: 'certify',
    tag: 'release',
    summary: 'Records what a QA expert found wrong with a version, and who sees to it',
    body: strict({
      modelVersion: VersionReference,
      severity: oneOf(findingSeverities),
      statement: Reason,
      owner: Type.Optional(Type.Unsafe<string>({ ...Id, description: 'an identity, by id or name; default: who registered the version' })),
      dueAt: Type.Optional(Instant),
    }),
    answer: Finding,
    status: 201,
    handle: async (rooms, { body: { modelVersion, owner, ...body }, by, principal }) => {
      const version = await readableVersion(rooms, principal, modelVersion);
      return rooms.release.findings.add({
        ...body,
        modelVersion: version.id,
        owner: owner === undefined ? version.createdBy : actorOf(await rooms.access.getIdentity(owner)),
        by,
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/findings/:id/resolve',
    permission: 'certify',
    tag: 'release',
    summary: 'Says that what was found wrong is put right',
    params: ById,
    body: Word,
    answer: Finding,
    handle: ({ release }, { params, body, by }) => release.findings.resolve({ ...params, ...body, by }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/findings/:id/accept',
    permission: 'approve',
    tag: 'release',
    summary: 'Says that a version may go in spite of a finding, and why; never its author',
    params: ById,
    body: Word,
    answer: Finding,
    handle: ({ release }, { params, body, by }) => release.findings.accept({ ...params, ...body, by }),
  }),
];
