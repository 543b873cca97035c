import { Type } from 'typebox';
import { CharterVersion, page, strict } from '#contract';
import { route, type Route } from '../route.ts';
import { Paging, ProjectCheck, ProjectView } from '../shapes.ts';
import { pageOf } from './paging.ts';

export const projectRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/project',
    permission: 'read',
    tag: 'project',
    summary: 'The project as its file says, with the environments that a version passes through',
    answer: ProjectView,
    handle: async ({ project, charters }) => {
      const { file, digest, project: written, resolved, warnings } = project.current();
      // Settings may hold what is nobody's business; they have a route of their own, which masks secrets.
      const { settings: _settings, ...shown } = written;
      const [newest] = await charters.list(resolved.project);
      return {
        name: resolved.project,
        file,
        digest,
        project: shown,
        ...(newest === undefined ? {} : { charter: newest.version }),
        environments: resolved.environments.map(({ name, position, certify, approve, approvals }) => ({
          name,
          position,
          approvals,
          ...(certify === undefined ? {} : { certify }),
          ...(approve === undefined ? {} : { approve }),
        })),
        endpoint: resolved.serve.endpoint,
        warnings,
      };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/project/check',
    permission: 'read',
    tag: 'project',
    summary: 'Checks the project’s files as they are on disk: file, line, column, and what would be right',
    answer: ProjectCheck,
    handle: async ({ checkProject }) => {
      const { problems } = await checkProject();
      return { valid: problems.every(({ severity }) => severity !== 'error'), problems };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/charter-versions',
    permission: 'read',
    tag: 'project',
    summary: 'Every recorded version of the charter, newest first',
    query: Paging,
    answer: page(CharterVersion),
    handle: async ({ charters, project }, { query }) =>
      pageOf(await charters.list(project.current().resolved.project), query, ({ digest }) => digest),
  }),
  route({
    method: 'GET',
    path: '/api/v1/charter-versions/:digest',
    permission: 'read',
    tag: 'project',
    summary: 'A version of the charter',
    params: strict({ digest: Type.String({ minLength: 1, maxLength: 100 }) }),
    answer: CharterVersion,
    handle: ({ charters, project }, { params }) => charters.get(project.current().resolved.project, params.digest),
  }),
];
