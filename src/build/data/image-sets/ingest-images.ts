import { availableParallelism } from 'node:os';
import { realpath } from 'node:fs/promises';
import type { DatasetIngestion, ImageCounts } from '#contract';
import { GyreError, digestOf } from '#core';
import { factsFunction, openImageThreads } from '#images';
import { listingOf, sourceFile } from '../file-sets/listing.ts';
import type { IngestionPlan, IngestionWork } from '../ingestions/running.ts';
import { recordFolder } from '../record-folder.ts';
import type { DataDeps } from '../port.ts';
import { takeFiles } from './image-files.ts';
import type { FilesProgress, FoundFiles } from './image-files.ts';
import type { ImageIngestRequest, ImageIngested } from './image-port.ts';
import { imageFrame } from './image-rows.ts';
import type { ImageRow } from './image-rows.ts';
import { listImages } from './list-images.ts';
import type { ImageListing } from './list-images.ts';
import { readLabels } from './read-labels.ts';
import type { Labels } from './read-labels.ts';

/** The calling thread stores what they read, and does not keep up with more. */
const mostThreads = 8;

/**
 * See `Data.ingestImages`. Order matters: the images' bytes, the rows and the listing are durable before version, event and what came of it
 * are recorded in one transaction.
 */
export function imageIngestion(deps: DataDeps, request: ImageIngestRequest): IngestionPlan<ImageIngested> {
  const { dataset, source: address, by, signal } = request;
  return {
    about: { dataset, kind: 'images', address, by },
    signal,
    work: (going) => ingestImages(deps, request, going),
  };
}

async function ingestImages(deps: DataDeps, request: ImageIngestRequest, going: IngestionWork): Promise<ImageIngested> {
  const folder = await realFolder(request.folder);
  const listing = await listImages(folder);
  const labels = request.labels === undefined ? undefined : await readLabels(request.labels);
  const planned = plan(listing, labels);
  if (planned.length === 0) throw new GyreError('FAILED_PRECONDITION', emptyText(request.source, listing), { folder: request.source });
  going.found = { files: listing.images.length };

  const progress: FilesProgress = { done: 0, read: 0, decoded: 0 };
  const onProgress = (): void => {
    Object.assign(going.progress, progress, { total: planned.length });
    going.tell();
    request.onProgress?.(progress.done, planned.length);
  };
  const openThreads = () => openImageThreads({ threads: Math.min(mostThreads, availableParallelism()) });
  const paths = planned.map(({ path }) => path);
  const files = await takeFiles({ ...deps, openThreads }, { folder, paths, onProgress, going }, progress);
  const rows = planned.map((row) => withFile(row, files));
  going.found = { ...going.found, size: rows.reduce((size, { file }) => size + (file?.size ?? 0), 0) };
  const missing = rows.filter(({ file }) => file === undefined).length;
  const unreadable = rows.filter(({ file }) => file !== undefined && file.facts.measures === undefined).length;
  const { read, decoded } = progress;
  const { ignored, images: listed, links } = listing;
  const images = { found: listed.length, read, decoded, unreadable, missing, ignored, links: links.length };
  going.requireGoing();
  const recorded = await record(deps, request, { rows, labels, images, going });
  return {
    ...recorded,
    images,
    summary: `${recorded.version.manifest.rows} images, ${read} read and ${decoded} decoded; ${recorded.created ? 'a new version' : 'the same as before: the same version'}`,
  };
}

/** Links in the path to the folder are the user's own; those inside are not followed. */
async function realFolder(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new GyreError('NOT_FOUND', `there is no folder ${path}`, { path }, { cause: error });
  }
}

/** One row for each image of the folder, and one for each that the labels name besides, in the order of their paths. */
function plan({ images }: ImageListing, labels: Labels | undefined): Omit<ImageRow, 'file'>[] {
  if (labels === undefined) return [...images];
  const listed = new Set(images.map(({ path }) => path));
  const rows = images.map(({ path, folder, label }): Omit<ImageRow, 'file'> => {
    const row = labels.rowOf.get(path);
    // the label comes from the table, so all folders are only a place
    const place = [folder, label].filter((part) => part !== null).join('/');
    const where = { path, folder: place === '' ? null : place };
    return row === undefined ? { ...where, label: null } : { ...where, label: labels.labelOf(row), labelsRow: row };
  });
  for (const [path, row] of labels.rowOf)
    if (!listed.has(path)) rows.push({ path, folder: null, label: labels.labelOf(row), labelsRow: row });
  return rows.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
}

function withFile(row: Omit<ImageRow, 'file'>, files: FoundFiles): ImageRow {
  const file = files.get(row.path);
  return file ? { ...row, file } : row;
}

function emptyText(source: string, { ignored, links }: ImageListing): string {
  const others = Object.entries(ignored).map(([extension, count]) => `${count} ${extension}`);
  const found = [...others, ...(links.length > 0 ? [`${links.length} links, which are not followed`] : [])];
  return `${source} holds no image${found.length > 0 ? ` (it holds ${found.join(', ')})` : ''}`;
}

async function record(
  deps: DataDeps,
  request: ImageIngestRequest,
  {
    rows,
    labels,
    images,
    going,
  }: {
    readonly rows: readonly ImageRow[];
    readonly labels: Labels | undefined;
    readonly images: ImageCounts;
    readonly going: IngestionWork;
  },
): Promise<Pick<ImageIngested, 'version' | 'created' | 'violations' | 'ingestion'>> {
  const listing = listingOf(
    rows.flatMap(({ path, file }) => (file ? [{ path, size: file.size, sha256: file.sha256, md5: file.md5 }] : [])),
  );
  const table = labels && request.labels ? sourceFile('labels.csv', labels.bytes) : undefined;
  const columns = request.labels ? { path: request.labels.path, label: request.labels.label } : null;
  const reading = digestOf({
    listing: listing.file.sha256,
    labels: table?.file.sha256 ?? null,
    columns,
    factsFunction,
    where: request.where ?? null,
  });
  const files = table ? [listing, table] : [listing];
  const facts = (): Partial<DatasetIngestion> => ({ newRows: images.read, images });
  return recordFolder(deps, request, { reading, format: 'images', files, frame: () => imageFrame(rows, labels), facts }, going);
}
