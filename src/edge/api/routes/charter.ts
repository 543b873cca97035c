import { Type } from 'typebox';
import { CharterConfirmation, CharterDocuments, strict } from '#contract';
import { GyreError, digestOf } from '#core';
import { charterDocuments, newestVersions } from '../charter/documents.ts';
import { route, type Route } from '../route.ts';

export const charterRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/charter',
    permission: 'read',
    tag: 'project',
    summary: 'Phase zero in three documents: problem statement, project charter with the canvas, initial data report; who confirmed them',
    description: 'The data report fits a quick baseline on a sample of each dataset with a target, which takes seconds.',
    answer: CharterDocuments,
    handle: (rooms) => charterDocuments(rooms),
  }),
  route({
    method: 'POST',
    path: '/api/v1/charter/confirmations',
    // stakeholders may only read, and they are the ones to agree; each speaks for nobody but themselves
    permission: 'read',
    tag: 'project',
    summary: 'Records that the caller agrees to the charter, word for word; other words need a confirmation of their own',
    body: strict({
      charter: Type.String({ minLength: 6, maxLength: 64, description: 'the digest of the charter that was read' }),
      comment: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    }),
    answer: CharterConfirmation,
    status: 201,
    handle: async (rooms, { body, by, principal }) => {
      if (principal.via === 'local')
        throw new GyreError('UNAUTHENTICATED', 'who agrees has to be known: sign in, or bring a token of your own');
      const { project, resolved } = rooms.project.current();
      const digest = digestOf(project.charter);
      if (!digest.startsWith(body.charter)) {
        const message = `the charter has other words by now (${digest.slice(0, 12)}): read it again, then confirm these`;
        throw new GyreError('FAILED_PRECONDITION', message, { charter: digest });
      }
      await rooms.charters.record(resolved.project, project.charter, by);
      const { comment } = body;
      const confirmation = { project: resolved.project, charter: digest, data: await newestVersions(rooms), by };
      return rooms.charters.confirm({ ...confirmation, ...(comment === undefined ? {} : { comment }) });
    },
  }),
];
