import { Type } from 'typebox';
import { Name, QualityReport, QualityTrend, strict } from '#contract';
import { projectQuality } from '#data';
import { route, type Route } from '../../route.ts';
import { ById } from '../../shapes.ts';
import { ByDigest } from './shapes.ts';

export const qualityRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/quality',
    permission: 'read',
    tag: 'data',
    summary: 'The newest quality report of a version',
    params: ByDigest,
    answer: QualityReport,
    handle: async ({ data }, { params }) => data.getQuality((await data.get(params.digest)).digest),
  }),
  route({
    method: 'POST',
    path: '/api/v1/datasets/:digest/quality',
    permission: 'build',
    tag: 'data',
    summary: 'Judges a version anew, by what gyre.yaml and the reviewed schema say now',
    params: ByDigest,
    body: strict({
      quarantine: Type.Optional(Type.Boolean({ description: 'set rows aside that fail; default: as gyre.yaml says' })),
    }),
    answer: QualityReport,
    handle: async ({ data, project }, { params, body, by }) => {
      const { digest, dataset } = await data.get(params.digest);
      return data.quality(digest, { ...projectQuality(project.current(), dataset), ...body, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/quality-trend',
    permission: 'read',
    tag: 'data',
    summary: 'The course of quality over a dataset’s versions: the newest report of each, oldest version first',
    query: strict({ dataset: Name, limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }) }),
    answer: QualityTrend,
    handle: ({ data }, { query }) => data.qualityTrend(query.dataset, query.limit),
  }),
  route({
    method: 'GET',
    path: '/api/v1/quality-reports/:id',
    permission: 'read',
    tag: 'data',
    summary: 'A quality report',
    params: ById,
    answer: QualityReport,
    handle: ({ data }, { params }) => data.getQuality(params.id),
  }),
];
