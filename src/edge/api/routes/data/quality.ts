import { QualityReport } from '#contract';
import type { Actor } from '#contract';
import type { Data } from '#data';
import type { LoadedProject } from '#project';
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

/** What a version is held against: the dataset's section of the project's file. */
export function qualityRequest(project: LoadedProject, name: string, by: Actor): Parameters<Data['quality']>[1] {
  const dataset = project.resolved.datasets.find((candidate) => candidate.name === name);
  const schema = project.schemas[name];
  return {
    ...(schema === undefined ? {} : { schema }),
    ...(dataset === undefined ? {} : { key: dataset.key }),
    ...(dataset?.target === undefined ? {} : { target: dataset.target }),
    ...(dataset?.asOf === undefined ? {} : { asOf: Date.parse(`${dataset.asOf}T00:00:00Z`) }),
    ...(dataset?.maxAgeMs === undefined ? {} : { maxAgeMs: dataset.maxAgeMs }),
    by,
  };
}
