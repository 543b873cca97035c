import { Type } from 'typebox';
import { ciJunit, ciMarkdown } from '#ci';
import { CiRequest, CiRun, ciStates, oneOf, page, strict } from '#contract';
import { fileRoute, route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';

export const ciRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/ci-runs',
    permission: 'read',
    tag: 'ci',
    summary: 'Commits that were checked, newest first: of the reports what failed and what was registered',
    query: strict({
      ...paging,
      commit: Type.Optional(Type.String({ maxLength: 64, description: 'in full' })),
      branch: Type.Optional(Type.String({ maxLength: 255 })),
      state: Type.Optional(oneOf(ciStates)),
    }),
    answer: page(CiRun),
    handle: ({ ci }, { query }) => ci.list(query),
  }),
  route({
    method: 'POST',
    path: '/api/v1/ci-runs',
    permission: 'build',
    tag: 'ci',
    summary: 'Checks a commit: runs the project’s pipeline as the commit has it, and compares it with the base branch',
    description:
      'The commit comes from the repository that the project’s folder lies in, or from its origin. It answers at once; the run ends as passed or failed.',
    body: CiRequest,
    answer: CiRun,
    status: 202,
    handle: ({ ci }, { body, by }) => ci.start({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/ci-runs/:id',
    permission: 'read',
    tag: 'ci',
    summary: 'A commit that was checked, with its report',
    params: ById,
    answer: CiRun,
    handle: ({ ci }, { params }) => ci.get(params.id),
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/ci-runs/:id/report',
    permission: 'read',
    tag: 'ci',
    summary: 'The report as Markdown, for a comment on a pull request',
    params: ById,
    types: ['text/markdown'],
    answers: 'GitHub Flavored Markdown',
    handle: async ({ ci }, { params }) => ({ type: 'text/markdown; charset=utf-8', body: ciMarkdown(await ci.get(params.id)) }),
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/ci-runs/:id/junit',
    permission: 'read',
    tag: 'ci',
    summary: 'The checks as JUnit XML',
    params: ById,
    types: ['application/xml'],
    answers: 'a suite for each part, a case for each check',
    handle: async ({ ci }, { params }) => ({ type: 'application/xml; charset=utf-8', body: ciJunit(await ci.get(params.id)) }),
  }),
];
