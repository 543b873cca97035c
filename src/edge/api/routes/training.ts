import { Type } from 'typebox';
import { ArtifactEntry, Experiment, Id, MetricPoint, Name, Run, Study, Transform, oneOf, page, runStatuses, strict } from '#contract';
import { GyreError } from '#core';
import { ownRunId, requireArtifactPath } from '#training';
import type { ArtifactPage, ArtifactQuery, Training } from '#training';
import { storedFile } from '../files.ts';
import { fileRoute, route, type Route } from '../route.ts';
import { ById, Paging, paging } from '../shapes.ts';
import { pageOf } from './paging.ts';

export const trainingRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/transforms',
    permission: 'read',
    tag: 'features',
    summary: 'Fitted transforms, newest first',
    query: strict({ ...paging, name: Type.Optional(Name) }),
    answer: page(Transform),
    handle: ({ features }, { query }) => features.list(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/transforms/:id',
    permission: 'read',
    tag: 'features',
    summary: 'A transform, by id or digest',
    params: ById,
    answer: Transform,
    handle: ({ features }, { params }) => features.get(params.id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/experiments',
    permission: 'read',
    tag: 'training',
    summary: 'Experiments',
    query: Paging,
    answer: page(Experiment),
    handle: async ({ training }, { query }) => pageOf(await training.experiments(), query, ({ id }) => id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/studies',
    permission: 'read',
    tag: 'training',
    summary: 'Studies, newest first',
    query: Paging,
    answer: page(Study),
    handle: ({ training }, { query }) => training.listStudies(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/studies/:id',
    permission: 'read',
    tag: 'training',
    summary: 'A study',
    params: ById,
    answer: Study,
    handle: ({ training }, { params }) => training.getStudy(params.id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs',
    permission: 'read',
    tag: 'training',
    summary: 'Runs, newest first',
    query: strict({
      ...paging,
      experiment: Type.Optional(Type.String({ description: 'name or id' })),
      study: Type.Optional(Id),
      status: Type.Optional(oneOf(runStatuses)),
    }),
    answer: page(Run),
    handle: ({ training }, { query }) => training.listRuns(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/:id',
    permission: 'read',
    tag: 'training',
    summary: 'A run: parameters, metrics, inputs, code, environment',
    params: ById,
    answer: Run,
    handle: ({ training }, { params }) => training.getRun(ownRunId(params.id)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/metrics/:key',
    permission: 'read',
    tag: 'training',
    summary: 'Every value of a metric, in the order of steps',
    params: strict({ id: Id, key: Type.String({ minLength: 1, maxLength: 250 }) }),
    query: strict({ ...paging, limit: Type.Integer({ minimum: 1, maximum: 25_000, default: 1000 }) }),
    answer: page(MetricPoint),
    handle: ({ training }, { params, query }) => training.metricHistory(ownRunId(params.id), params.key, query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/artifacts',
    permission: 'read',
    tag: 'training',
    summary: 'What a run left: the files and folders of one folder, or all files',
    params: ById,
    query: strict({
      ...paging,
      folder: Type.String({ maxLength: 2000, default: '', description: 'its path below the run’s own folder' }),
      all: Type.Boolean({ default: false, description: 'all files of the folder and of those in it' }),
    }),
    answer: page(ArtifactEntry),
    handle: async ({ training }, { params, query: { folder, all, ...paged } }) => {
      const root = await training.artifactFolder(params.id);
      const within = folder === '' ? root : `${root}/${requireArtifactPath(folder)}`;
      const found = all ? await filesIn(training, within, paged) : await training.artifacts.list(within, paged);
      return { ...found, items: found.items.map((entry) => ({ ...entry, path: entry.path.slice(root.length + 1) })) };
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/runs/:id/artifacts/*',
    permission: 'read',
    tag: 'training',
    summary: 'A file that a run left',
    params: strict({ id: Id, '*': Type.String({ minLength: 1, description: 'the artifact’s path' }) }),
    types: ['application/octet-stream', 'application/json'],
    answers: 'The bytes of the artifact.',
    handle: async ({ training }, { params }) => {
      const path = params['*'];
      const artifact = await training.findArtifact(params.id, path);
      if (artifact === undefined) throw new GyreError('NOT_FOUND', `run ${params.id} has no artifact "${path}"`);
      const bytes = await training.artifacts.open(`${await training.artifactFolder(params.id)}/${path}`);
      return storedFile(path, artifact.digest, bytes, artifact.size);
    },
  }),
];

async function filesIn(training: Training, folder: string, query: ArtifactQuery): Promise<ArtifactPage<ArtifactEntry>> {
  const { items, ...next } = await training.artifacts.files(folder, query);
  return { ...next, items: items.map((file) => ({ kind: 'file', ...file })) };
}
