import { isAbsolute, relative, resolve } from 'node:path';
import { glob, realpath } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import {
  DatasetIngestion,
  DatasetVersion,
  DialectSpec,
  ImageCounts,
  Name,
  QualityCheck,
  TimestampOrder,
  datasetFormats,
  oneOf,
  page,
  strict,
} from '#contract';
import { GyreError } from '#core';
import { filesIngestRequest, imageIngestRequest, isOfFiles, isOfImages, projectQuality, tableIngestRequest } from '#data';
import type { FilesIngestRequest, ImageIngestRequest, IngestRequest, IngestionRequest } from '#data';
import { sourceFromText } from '#project';
import type { LoadedProject } from '#project';
import { route, type Route } from '../../route.ts';
import { ById, paging } from '../../shapes.ts';

const sourceFormats = datasetFormats.filter((format) => format !== 'rows' && format !== 'images' && format !== 'files');

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
  ingestion: DatasetIngestion,
  images: Type.Optional({ ...ImageCounts, description: 'of a dataset of images' }),
});

export const ingestRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/datasets',
    permission: 'build',
    tag: 'data',
    summary: 'Ingests a source as a dataset version and waits for it; the same bytes again are the same version',
    description:
      'Of what takes long, better begin an ingestion: POST /api/v1/dataset-ingestions. This one stops when the caller goes away.',
    body: Ingest,
    answer: Ingested,
    handle: async ({ data, project }, { body, by, signal }) => {
      const { id } = await data.ingestions.start(await ingestionRequest(project.current(), body, { by, signal }));
      return data.ingestions.wait(id).then(({ version, created, violations, summary, ...rest }) => ({
        version,
        created,
        violations,
        summary,
        ingestion: rest.ingestion,
        ...('images' in rest ? { images: rest.images } : {}),
      }));
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/dataset-ingestions',
    permission: 'build',
    tag: 'data',
    summary: 'Begins to ingest a source as a dataset version; the same bytes again are the same version',
    description:
      'It goes on in the background; the ingestion’s own address tells how far it is and what came of it, and so does the event stream (`event: progress`).',
    body: Ingest,
    answer: DatasetIngestion,
    status: 202,
    handle: async ({ data, project }, { body, by }) => data.ingestions.start(await ingestionRequest(project.current(), body, { by })),
  }),
  route({
    method: 'GET',
    path: '/api/v1/dataset-ingestions',
    permission: 'read',
    tag: 'data',
    summary:
      'Ingestions, newest first: where the rows came from, what was found there, what came of it; those that go on say how far they are',
    query: strict({ ...paging, dataset: Type.Optional(Name) }),
    answer: page(DatasetIngestion),
    handle: ({ data }, { query }) => data.ingestions.list(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/dataset-ingestions/:id',
    permission: 'read',
    tag: 'data',
    summary: 'How an ingestion goes, or went',
    params: ById,
    answer: DatasetIngestion,
    handle: ({ data }, { params }) => data.ingestions.get(params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/dataset-ingestions/:id',
    permission: 'build',
    tag: 'data',
    summary: 'Stops an ingestion; what was read is not read again when it is begun once more',
    params: ById,
    answer: DatasetIngestion,
    handle: ({ data }, { params }) => data.ingestions.cancel(params.id),
  }),
];

interface Caller {
  readonly by: IngestRequest['by'];
  readonly signal?: AbortSignal;
}

/** What is to be ingested: as the project says, or a table as the caller says instead. */
async function ingestionRequest(project: LoadedProject, body: Static<typeof Ingest>, caller: Caller): Promise<IngestionRequest> {
  const { by } = caller;
  const quality = { ...projectQuality(project, body.dataset), quarantine: false, by };
  const request =
    body.path === undefined && isOfImages(project, body.dataset)
      ? { images: { ...(await imagesRequest(project, body.dataset, by)), ...caller } }
      : body.path === undefined && isOfFiles(project, body.dataset)
        ? { files: { ...(await filesRequest(project, body.dataset, by)), ...caller } }
        : { table: { ...(await ingestRequest(project, body, by)), ...caller } };
  return { ...request, quality };
}

/** Folder and labels of a dataset of images, which have to lie in the project's folder as any source does. */
async function imagesRequest(project: LoadedProject, dataset: string, by: ImageIngestRequest['by']): Promise<ImageIngestRequest> {
  const request = imageIngestRequest(project, dataset, by);
  await fileInProject(project.folder, relative(project.folder, request.folder));
  if (request.labels !== undefined) await fileInProject(project.folder, relative(project.folder, request.labels.file));
  return request;
}

/** A folder of files, which has to lie in the project's folder as any source does. */
async function filesRequest(project: LoadedProject, dataset: string, by: IngestRequest['by']): Promise<FilesIngestRequest> {
  const request = filesIngestRequest(project, dataset, by);
  await fileInProject(project.folder, relative(project.folder, request.path));
  return request;
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
export async function filesInProject(folder: string, pattern: string): Promise<void> {
  if (isAbsolute(pattern) || pattern.split(/[\\/]/).includes('..')) throw outsideError(pattern);
  for await (const name of glob(pattern, { cwd: folder })) await fileInProject(folder, name);
}

/** Whoever may build may not by that read every file of this machine: links out of the folder count as outside. */
export async function fileInProject(folder: string, source: string): Promise<string> {
  const asked = resolve(folder, source);
  const [root, path] = await Promise.all([realpath(folder), realpath(asked).catch(() => undefined)]);
  if (path === undefined && !isOutside(relative(folder, asked)))
    throw new GyreError('NOT_FOUND', `there is no file "${source}" in the project’s folder`);
  if (path === undefined || isOutside(relative(root, path))) throw outsideError(source);
  return asked;
}

/** @throws GyreError PERMISSION_DENIED for a place that is not below the folder; both are real paths */
export function requireInside(root: string, path: string, shown: string): void {
  if (isOutside(relative(root, path))) throw outsideError(shown);
}

const outsideError = (source: string): GyreError =>
  new GyreError('PERMISSION_DENIED', `"${source}" is not in the project’s folder: put the file there, sources are read from nowhere else`);

function isOutside(path: string): boolean {
  return path === '..' || /^\.\.[\\/]/.test(path) || isAbsolute(path);
}
