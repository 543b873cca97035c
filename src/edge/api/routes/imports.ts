import { RecordImport, page, StartImport } from '#contract';
import { route, type Route } from '../route.ts';
import { ById } from '../shapes.ts';

export const importRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/imports',
    // It reads files of the platform's machine and calls addresses from there.
    permission: 'administer',
    tag: 'training',
    summary: 'Begins to bring records of another tool in',
    description:
      'It goes on in the background; the import’s own address tells how far it is. Begun again, it reads what was not brought in whole, and doubles nothing.',
    body: StartImport,
    answer: RecordImport,
    status: 202,
    handle: ({ imports }, { body, by }) => imports.start({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/imports',
    permission: 'read',
    tag: 'training',
    summary: 'Imports, newest first, at most 100',
    answer: page(RecordImport),
    handle: async ({ imports }) => ({ items: [...(await imports.list())] }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/imports/:id',
    permission: 'read',
    tag: 'training',
    summary: 'How an import goes, or went',
    params: ById,
    answer: RecordImport,
    handle: ({ imports }, { params }) => imports.get(params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/imports/:id',
    permission: 'administer',
    tag: 'training',
    summary: 'Stops an import; what is in stays in',
    params: ById,
    answer: RecordImport,
    handle: ({ imports }, { params }) => imports.cancel(params.id),
  }),
];
