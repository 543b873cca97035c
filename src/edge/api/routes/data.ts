import { isAbsolute, relative, resolve } from 'node:path';
import { realpath } from 'node:fs/promises';
import { Type } from 'typebox';
import {
  DatasetComparison,
  DatasetProfile,
  DatasetVersion,
  Name,
  QualityCheck,
  QualityReport,
  Split,
  datasetFormats,
  oneOf,
  page,
  strict,
} from '#contract';
import { GyreError } from '#core';
import type { Data, IngestRequest } from '#data';
import type { LoadedProject } from '#project';
import { toRecords } from '#tables';
import { route, type Route } from '../route.ts';
import { ById, Rows, paging } from '../shapes.ts';

const DigestOrPrefix = Type.String({ minLength: 6, maxLength: 64, description: 'of a dataset version, or at least its first 6 digits' });
const ByDigest = strict({ digest: DigestOrPrefix });
const sourceFormats = datasetFormats.filter((format) => format !== 'rows');

const Ingest = strict({
  dataset: Name,
  path: Type.Optional(
    Type.String({ minLength: 1, maxLength: 4096, description: 'a file in the project’s folder; default: the one that gyre.yaml names' }),
  ),
  format: Type.Optional(oneOf(sourceFormats)),
  key: Type.Optional(Type.String({ minLength: 1 })),
  target: Type.Optional(Type.String({ minLength: 1 })),
  where: Type.Optional(Type.String({ minLength: 1 })),
});
const Ingested = strict({
  version: DatasetVersion,
  created: Type.Boolean({ description: 'false: the dataset had this version' }),
  violations: Type.Array(QualityCheck),
  summary: Type.String(),
});

export const dataRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets',
    permission: 'read',
    tag: 'data',
    summary: 'Dataset versions, newest first',
    query: strict({
      ...paging,
      dataset: Type.Optional(Name),
      part: Type.Optional(Type.String({ description: 'a part’s name; `none`: versions that are no part of a split' })),
    }),
    answer: page(DatasetVersion),
    handle: ({ data }, { query: { part, ...query } }) =>
      data.list({ ...query, ...(part === undefined ? {} : { part: part === 'none' ? null : part }) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/datasets',
    permission: 'build',
    tag: 'data',
    summary: 'Ingests a source file as a dataset version; the same bytes again are the same version',
    body: Ingest,
    answer: Ingested,
    handle: async ({ data, project }, { body, by }) => {
      const { version, created, violations, summary } = await data.ingest(await ingestRequest(project.current(), body, by));
      if (created) await data.quality(version.digest, qualityRequest(project.current(), body.dataset, by));
      return { version, created, violations, summary };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest',
    permission: 'read',
    tag: 'data',
    summary: 'A dataset version',
    params: ByDigest,
    answer: DatasetVersion,
    handle: ({ data }, { params }) => data.get(params.digest),
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/profile',
    permission: 'read',
    tag: 'data',
    summary: 'The profile of every column',
    params: ByDigest,
    query: strict({ target: Type.Optional(Type.String({ description: 'the column whose association with the others is measured' })) }),
    answer: DatasetProfile,
    handle: async ({ data }, { params, query }) => data.profile((await data.get(params.digest)).digest, query.target),
  }),
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
    path: '/api/v1/datasets/:digest/rows',
    permission: 'read',
    tag: 'data',
    summary: 'Rows of a version by name of column',
    params: ByDigest,
    query: strict({ limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }), offset: Type.Integer({ minimum: 0, default: 0 }) }),
    answer: Rows,
    handle: async ({ data }, { params, query: { limit, offset } }) => {
      const frame = await data.open((await data.get(params.digest)).digest);
      return {
        columns: frame.schema.map(({ name, type }) => ({ name, type: type ?? frame.column(name).kind })),
        rows: toRecords(frame, { start: offset, end: offset + limit }),
        offset,
        total: frame.rows,
      };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/comparison/:other',
    permission: 'read',
    tag: 'data',
    summary: 'How another dataset version differs from this one: rows, columns, types, laws of values',
    params: strict({ digest: DigestOrPrefix, other: DigestOrPrefix }),
    answer: DatasetComparison,
    handle: async ({ data }, { params }) => {
      const { rows, differences, ...compared } = await data.compare(
        (await data.get(params.digest)).digest,
        (await data.get(params.other)).digest,
      );
      return { ...compared, rows: { ...rows }, differences: differences.map((difference) => ({ ...difference })) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/splits',
    permission: 'read',
    tag: 'data',
    summary: 'The splits of a version, newest first',
    params: ByDigest,
    answer: page(Split),
    handle: async ({ data }, { params }) => ({ items: await data.splitsOf((await data.get(params.digest)).digest) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/splits/:id',
    permission: 'read',
    tag: 'data',
    summary: 'A split with its parts',
    params: ById,
    answer: Split,
    handle: ({ data }, { params }) => data.getSplit(params.id),
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

/** What the project says about a dataset, and what the caller says instead. */
async function ingestRequest(
  project: LoadedProject,
  body: { dataset: string; path?: string; format?: 'csv' | 'parquet' | 'jsonl'; key?: string; target?: string; where?: string },
  by: IngestRequest['by'],
): Promise<IngestRequest> {
  const known = project.resolved.datasets.find(({ name }) => name === body.dataset);
  const source = body.path ?? known?.source;
  if (source === undefined) {
    const names = project.resolved.datasets.map(({ name }) => `"${name}"`).join(', ');
    throw new GyreError('INVALID_ARGUMENT', `the project has no dataset "${body.dataset}" (it has ${names}): say which file with "path"`);
  }
  const path = await fileInProject(project.folder, source);
  const schema = project.schemas[body.dataset];
  const key = body.key ?? known?.key;
  const target = body.target ?? known?.target;
  const where = body.where ?? known?.where;
  return {
    dataset: body.dataset,
    path,
    source: relative(project.folder, path),
    by,
    ...(body.format === undefined ? {} : { format: body.format }),
    ...(key === undefined ? {} : { key }),
    ...(target === undefined ? {} : { target }),
    ...(where === undefined ? {} : { where }),
    ...(schema === undefined ? {} : { expect: schema }),
  };
}

/** Whoever may build may not by that read every file of this machine: links out of the folder count as outside. */
async function fileInProject(folder: string, source: string): Promise<string> {
  const asked = resolve(folder, source);
  const [root, path] = await Promise.all([realpath(folder), realpath(asked).catch(() => undefined)]);
  if (path === undefined && !isOutside(relative(folder, asked)))
    throw new GyreError('NOT_FOUND', `there is no file "${source}" in the project’s folder`);
  if (path === undefined || isOutside(relative(root, path))) {
    throw new GyreError(
      'PERMISSION_DENIED',
      `"${source}" is not in the project’s folder: put the file there, sources are read from nowhere else`,
    );
  }
  return asked;
}

function isOutside(path: string): boolean {
  return path === '..' || /^\.\.[\\/]/.test(path) || isAbsolute(path);
}

/** What a version is held against: the dataset's section of the project's file. */
function qualityRequest(project: LoadedProject, name: string, by: IngestRequest['by']): Parameters<Data['quality']>[1] {
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
