import { availableParallelism } from 'node:os';
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { DatasetIngestion, DatasetVersion, ImageCounts, QualityCheck } from '#contract';
import { GyreError, asSha256, digestOf } from '#core';
import { factsFunction, openImageThreads } from '#images';
import type { Tx } from '#store';
import { filterRows } from '#tables';
import type { Frame } from '#tables';
import { versionOfReading } from '../data-store.ts';
import { listingOf, sourceFile } from '../file-sets/listing.ts';
import type { IngestionPlan, IngestionWork } from '../ingestions/running.ts';
import type { DataDeps } from '../port.ts';
import { parseRule, ruleOn } from '../rules.ts';
import { plainSchema } from '../table-schema.ts';
import { checkTarget } from '../target.ts';
import { validateFrame, violationsOf } from '../validate.ts';
import { openRows, prepareVersion, recordVersions } from '../versions.ts';
import type { PreparedVersion } from '../versions.ts';
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
  const { dataset, source: from, expect, where, by } = request;
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
    where: where ?? null,
  });
  const keep = (tx: Tx, version: DatasetVersion, created: boolean, violations: readonly QualityCheck[]): Promise<DatasetIngestion> =>
    going.keep(
      tx,
      {
        outcome: created ? 'new' : 'unchanged',
        version: version.digest,
        rows: version.manifest.rows,
        newRows: images.read,
        images,
        ...(violations.length === 0 ? {} : { violations: violations.map(({ message }) => message) }),
      },
      { reading, stamp: '' },
    );
  const known = await deps.store.read((db) => versionOfReading(db, dataset, reading));
  if (known && (await deps.blobs.has(asSha256(known.rowsDigest)))) {
    const { key, target, expect } = request;
    // of many images a few columns are much less than all
    const wanted = expect === undefined ? [...new Set([key, target].filter((name) => name !== undefined))] : undefined;
    const violations = wanted?.length === 0 ? [] : checked(request, await openRows(deps, known, wanted));
    const ingestion = await deps.store.write((tx) => keep(tx, known, false, violations), {});
    return { version: known, created: false, violations, ingestion };
  }
  const frame = imageFrame(rows, labels);
  const kept = where === undefined ? frame : rowsWhere(frame, where, from);
  const violations = checked(request, kept);
  const schema = expect ?? plainSchema(frame);
  await deps.blobs.put(listing.bytes);
  if (table) await deps.blobs.put(table.bytes);
  const files = table ? [listing.file, table.file] : [listing.file];
  const whole = { dataset, schema, source: { format: 'images' as const, files }, from, by, frame };
  const prepared: PreparedVersion[] = [];
  if (where === undefined) prepared.push(await prepareVersion(deps, { ...whole, reading }));
  else {
    const parent = await prepareVersion(deps, whole);
    const derivedFrom = { parents: [parent.version.digest], operation: 'filter' as const, parameters: { where } };
    prepared.push(parent, await prepareVersion(deps, { dataset, schema, from, by, frame: kept, derivedFrom, reading }));
  }
  const now = deps.clock.now();
  return deps.store.write(async (tx, versions: readonly PreparedVersion[]) => {
    const recorded = await recordVersions(tx, deps, versions, { now });
    const { version, created } = recorded[recorded.length - 1];
    return { version, created, violations, ingestion: await keep(tx, version, created, violations) };
  }, prepared);
}

function rowsWhere(frame: Frame, where: string, source: string): Frame {
  const holds = ruleOn(frame, parseRule(where, frame));
  const kept = filterRows(frame, (row) => holds(row) === true);
  if (kept.rows > 0) return kept;
  throw new GyreError('FAILED_PRECONDITION', `${basename(source)}: none of the ${frame.rows} images meets "${where}"`, { where });
}

/** @returns the violations of the reviewed schema */
function checked({ key, target, expect }: ImageIngestRequest, frame: Frame): ImageIngested['violations'] {
  if (key !== undefined) frame.column(key);
  if (target !== undefined) checkTarget(frame, target);
  return expect ? violationsOf(validateFrame(frame, expect)) : [];
}
