import { isAbsolute, relative, resolve } from 'node:path';
import { realpath } from 'node:fs/promises';
import { Type } from 'typebox';
import { DatasetVersion, Instant, Name, QualityCheck, datasetFormats, oneOf, page, strict } from '#contract';
import { GyreError } from '#core';
import { imageIngestRequest, isOfImages, projectQuality } from '#data';
import type { Data, ImageIngestRequest, IngestRequest } from '#data';
import type { LoadedProject } from '#project';
import { route, type Route } from '../../route.ts';

const sourceFormats = datasetFormats.filter((format) => format !== 'rows' && format !== 'images');

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
  images: Type.Optional(
    strict(
      {
        found: Type.Integer(),
        read: Type.Integer({ description: 'because they were new or had changed' }),
        decoded: Type.Integer({ description: 'because their bytes were not known' }),
        unreadable: Type.Integer(),
        missing: Type.Integer({ description: 'named by the labels, and not there' }),
        ignored: Type.Record(Type.String(), Type.Integer(), { description: 'extension → files that are no images by their names' }),
        links: Type.Integer({ description: 'links, which are not followed' }),
      },
      { description: 'of a dataset of images' },
    ),
  ),
});
const RunningIngest = strict({
  dataset: Name,
  done: Type.Integer(),
  total: Type.Integer(),
  read: Type.Integer(),
  decoded: Type.Integer(),
  startedAt: Instant,
});

export const ingestRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/datasets',
    permission: 'build',
    tag: 'data',
    summary: 'Ingests a source file as a dataset version; the same bytes again are the same version',
    body: Ingest,
    answer: Ingested,
    handle: async ({ data, project }, { body, by, signal }) => {
      const ofImages =
        body.path === undefined && isOfImages(project.current(), body.dataset)
          ? await ingestImages(data, project.current(), body.dataset, by, signal)
          : undefined;
      const ingested = ofImages ?? (await data.ingest(await ingestRequest(project.current(), body, by)));
      const { version, created, violations, summary } = ingested;
      if (created) await data.quality(version.digest, { ...projectQuality(project.current(), body.dataset), quarantine: false, by });
      return { version, created, violations, summary, ...(ofImages === undefined ? {} : { images: ofImages.images }) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/dataset-ingests',
    permission: 'read',
    tag: 'data',
    summary: 'The ingests of images that run now, and how far each is',
    answer: page(RunningIngest),
    handle: ({ data }) => ({ items: data.runningIngests() }),
  }),
];

/** Folder and labels of a dataset of images, which have to lie in the project's folder as any source does. */
async function ingestImages(
  data: Data,
  project: LoadedProject,
  dataset: string,
  by: ImageIngestRequest['by'],
  signal: AbortSignal,
): ReturnType<Data['ingestImages']> {
  const request = imageIngestRequest(project, dataset, by);
  await fileInProject(project.folder, relative(project.folder, request.folder));
  if (request.labels !== undefined) await fileInProject(project.folder, relative(project.folder, request.labels.file));
  return data.ingestImages({ ...request, signal });
}

/** What the project says about a dataset, and what the caller says instead. */
async function ingestRequest(
  project: LoadedProject,
  body: { dataset: string; path?: string; format?: 'csv' | 'parquet' | 'jsonl'; key?: string; target?: string; where?: string },
  by: IngestRequest['by'],
): Promise<IngestRequest> {
  const known = project.resolved.datasets.find(({ name }) => name === body.dataset);
  if (known?.join !== undefined && body.path === undefined) {
    throw new GyreError('FAILED_PRECONDITION', `"${known.name}" is a ${known.source}, which a pipeline run makes: gyre run`);
  }
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
