import { isAbsolute, relative, resolve } from 'node:path';
import { glob, realpath } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import {
  DatasetIngestion,
  DatasetVersion,
  DialectSpec,
  Instant,
  Name,
  QualityCheck,
  TimestampOrder,
  datasetFormats,
  oneOf,
  page,
  strict,
} from '#contract';
import { GyreError } from '#core';
import { imageIngestRequest, isOfImages, projectQuality, tableIngestRequest } from '#data';
import type { Data, ImageIngestRequest, IngestRequest } from '#data';
import { sourceFromText } from '#project';
import type { LoadedProject } from '#project';
import { route, type Route } from '../../route.ts';
import { paging } from '../../shapes.ts';

const sourceFormats = datasetFormats.filter((format) => format !== 'rows' && format !== 'images');

const Ingest = strict({
  dataset: Name,
  path: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4096,
      description: 'a source in the project’s folder or an address, written as in gyre.yaml; default: the one that gyre.yaml names',
    }),
  ),
  format: Type.Optional(oneOf(sourceFormats)),
  key: Type.Optional(Type.String({ minLength: 1 })),
  target: Type.Optional(Type.String({ minLength: 1 })),
  where: Type.Optional(Type.String({ minLength: 1 })),
  watermark: Type.Optional(Type.String({ minLength: 1, description: 'a column that rises: only rows beyond its greatest value are read' })),
  dialect: Type.Optional(DialectSpec),
  timestamps: Type.Optional(TimestampOrder),
});
const Ingested = strict({
  version: DatasetVersion,
  created: Type.Boolean({ description: 'false: the dataset had this version' }),
  violations: Type.Array(QualityCheck),
  summary: Type.String(),
  ingestion: Type.Optional(DatasetIngestion),
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
      const ofTable = ofImages === undefined ? await data.ingest(await ingestRequest(project.current(), body, by)) : undefined;
      const ingested = ofImages ?? ofTable;
      if (ingested === undefined) throw new GyreError('INTERNAL', 'nothing was ingested');
      const { version, created, violations, summary } = ingested;
      if (created) await data.quality(version.digest, { ...projectQuality(project.current(), body.dataset), quarantine: false, by });
      return {
        version,
        created,
        violations,
        summary,
        ...(ofTable === undefined ? {} : { ingestion: ofTable.ingestion }),
        ...(ofImages === undefined ? {} : { images: ofImages.images }),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/dataset-ingestions',
    permission: 'read',
    tag: 'data',
    summary: 'Ingestions of tables, newest first: where the rows came from, what was found there, what came of it',
    query: strict({ ...paging, dataset: Type.Optional(Name) }),
    answer: page(DatasetIngestion),
    handle: ({ data }, { query }) => data.ingestions(query),
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
async function ingestRequest(project: LoadedProject, body: Static<typeof Ingest>, by: IngestRequest['by']): Promise<IngestRequest> {
  const { dataset, path, format, ...own } = body;
  // whoever calls may not have the secrets of the environment sent to a place of their choice
  if (path?.includes('${') === true) throw new GyreError('INVALID_ARGUMENT', 'variables are named in gyre.yaml alone');
  const source = path === undefined ? undefined : isAbsolute(path) ? relative(project.folder, path) : path;
  const request = tableIngestRequest(project, dataset, by, source === undefined ? undefined : { source, from: sourceFromText(source) });
  const { from } = request;
  if (from !== undefined && 'path' in from) await fileInProject(project.folder, relative(project.folder, from.path));
  if (from?.kind === 'files') await filesInProject(project.folder, from.pattern);
  return {
    ...request,
    ...own,
    ...((from?.kind === 'file' || from?.kind === 'url') && format !== undefined ? { from: { ...from, format } } : {}),
  };
}

/** The files of a pattern lie in the project's folder, links out of it included. */
async function filesInProject(folder: string, pattern: string): Promise<void> {
  if (isAbsolute(pattern) || pattern.split(/[\\/]/).includes('..')) throw outsideError(pattern);
  for await (const name of glob(pattern, { cwd: folder })) await fileInProject(folder, name);
}

/** Whoever may build may not by that read every file of this machine: links out of the folder count as outside. */
async function fileInProject(folder: string, source: string): Promise<string> {
  const asked = resolve(folder, source);
  const [root, path] = await Promise.all([realpath(folder), realpath(asked).catch(() => undefined)]);
  if (path === undefined && !isOutside(relative(folder, asked)))
    throw new GyreError('NOT_FOUND', `there is no file "${source}" in the project’s folder`);
  if (path === undefined || isOutside(relative(root, path))) throw outsideError(source);
  return asked;
}

const outsideError = (source: string): GyreError =>
  new GyreError('PERMISSION_DENIED', `"${source}" is not in the project’s folder: put the file there, sources are read from nowhere else`);

function isOutside(path: string): boolean {
  return path === '..' || /^\.\.[\\/]/.test(path) || isAbsolute(path);
}
