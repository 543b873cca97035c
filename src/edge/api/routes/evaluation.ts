import { Type } from 'typebox';
import { Comparison, Digest, Id, Instant, Name, TestReport, oneOf, page, strict } from '#contract';
import { pageAnswer } from '../files.ts';
import { fileRoute, route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';
import { versionId } from './version-reference.ts';

export const evaluationRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/test-reports',
    permission: 'read',
    tag: 'evaluation',
    summary: 'Test reports, newest first',
    query: strict({
      ...paging,
      run: Type.Optional(Id),
      modelVersion: Type.Optional(Type.String({ description: 'of a model that was trained elsewhere' })),
      dataset: Type.Optional(Digest),
      passed: Type.Optional(Type.Boolean()),
    }),
    answer: page(TestReport),
    handle: ({ evaluation }, { query }) => evaluation.listReports(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/test-reports/:id',
    permission: 'read',
    tag: 'evaluation',
    summary: 'A test report, by id or digest',
    params: ById,
    answer: TestReport,
    handle: ({ evaluation }, { params }) => evaluation.getReport(params.id),
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/test-reports/:id/page',
    permission: 'read',
    tag: 'evaluation',
    summary: 'A test report as a page to read',
    params: ById,
    types: ['text/html'],
    answers: 'A self-contained page without scripts.',
    handle: async ({ evaluation }, { params }) => pageAnswer(await evaluation.reportHtml(params.id)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/comparisons',
    permission: 'build',
    tag: 'evaluation',
    summary: 'Compares two versions on the same labelled production rows, none of which either trained on',
    description: 'The rows become a dataset version, so that the comparison can be made again.',
    body: strict({
      champion: Type.String({ minLength: 1, description: 'a version’s id, or name@version' }),
      challenger: Type.String({ minLength: 1, description: 'a version’s id, or name@version' }),
      environment: Name,
      from: Instant,
      to: Instant,
      metric: Type.Optional(oneOf(['accuracy', 'roc_auc'])),
    }),
    answer: Comparison,
    handle: async ({ loop, registry }, { body, by }) => {
      const [champion, challenger] = [await versionId(registry, body.champion), await versionId(registry, body.challenger)];
      return loop.compareOnProduction({ ...body, champion, challenger, by });
    },
  }),
];
