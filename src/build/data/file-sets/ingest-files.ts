import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { DatasetFile, DatasetIngestion, DatasetVersion, QualityCheck } from '#contract';
import { GyreError, asSha256, digestOf } from '#core';
import type { Tx } from '#store';
import { filterRows } from '#tables';
import type { Frame } from '#tables';
import { versionOfReading } from '../data-store.ts';
import type { IngestionPlan, IngestionWork } from '../ingestions/running.ts';
import type { DataDeps, Ingested } from '../port.ts';
import { parseRule, ruleOn } from '../rules.ts';
import { plainSchema } from '../table-schema.ts';
import { checkTarget } from '../target.ts';
import { validateFrame, violationsOf } from '../validate.ts';
import { openRows, prepareVersion, recordVersions } from '../versions.ts';
import type { PreparedVersion } from '../versions.ts';
import { copyFiles } from './copy-files.ts';
import type { FilesIngestRequest } from './file-port.ts';
import { fileFrame } from './file-rows.ts';
import { listFiles } from './list-files.ts';
import { listingOf } from './listing.ts';

/** What was found of a source of files. */
interface TakenFiles {
  readonly files: readonly DatasetFile[];
  /** Files that had to be read. */
  readonly read: number;
  /** Whether their bytes are in the workspace's cache, and were not copied. */
  readonly inCache: boolean;
}

/**
 * See `Data.ingestFiles`. Order matters: the cache keeps the files (or the blobs have them), rows and listing are durable, before version, event
 * and what came of it are recorded in one transaction.
 */
export function filesIngestion(deps: DataDeps, request: FilesIngestRequest): IngestionPlan<Ingested> {
  const { dataset, source: address, by, signal } = request;
  return {
    about: { dataset, kind: 'folder', address, by },
    signal,
    work: async (going) => {
      const taken = await takeFrom(deps, request, going);
      const { files, read, inCache } = taken;
      if (files.length === 0) throw new GyreError('FAILED_PRECONDITION', `${request.source} holds no file`, { path: request.source });
      going.found = { files: files.length, size: files.reduce((sum, { size }) => sum + size, 0) };
      going.requireGoing();
      const recorded = await record(deps, request, taken, going);
      const where = inCache ? 'kept in the workspace’s cache' : `${read} read`;
      return {
        ...recorded,
        summary: `${recorded.version.manifest.rows} files, ${where}; ${recorded.created ? 'a new version' : 'the same as before: the same version'}`,
      };
    },
  };
}

/** What a `.dvc` file tracks stays in the cache; everything else is copied into the blobs. */
async function takeFrom(deps: DataDeps, request: FilesIngestRequest, going: IngestionWork): Promise<TakenFiles> {
  const recorded = await deps.objects?.keep(request.path, { signal: going.signal });
  const onDone = (done: number, total: number, read: number): void => {
    Object.assign(going.progress, { done, total, read });
    going.tell();
    request.onProgress?.(done, total);
  };
  if (recorded !== undefined) {
    const files = recorded.files.map(({ path, size, sha256, md5 }) => ({ path, size, sha256, md5 }));
    onDone(files.length, files.length, 0);
    return { files: files.sort((one, other) => (one.path < other.path ? -1 : 1)), read: 0, inCache: true };
  }
  const listed = await listFiles(await resolved(request.path));
  const total = listed.paths.length;
  return { ...(await copyFiles(deps, listed, { going, onDone: (done, read) => onDone(done, total, read) })), inCache: false };
}

/** Links in the path to the source are the user's own; those inside are not followed. */
async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new GyreError('NOT_FOUND', `there is nothing at ${path}`, { path }, { cause: error });
  }
}

async function record(
  deps: DataDeps,
  request: FilesIngestRequest,
  { files, read, inCache }: TakenFiles,
  going: IngestionWork,
): Promise<Pick<Ingested, 'version' | 'created' | 'violations' | 'ingestion'>> {
  const { dataset, source: from, expect, where, by } = request;
  const listing = listingOf(files);
  const reading = digestOf({ files: listing.file.sha256, where: where ?? null });
  const keep = (tx: Tx, version: DatasetVersion, created: boolean, violations: readonly QualityCheck[]): Promise<DatasetIngestion> =>
    going.keep(
      tx,
      {
        outcome: created ? 'new' : 'unchanged',
        version: version.digest,
        rows: version.manifest.rows,
        newRows: inCache ? version.manifest.rows : read,
        ...(inCache ? { kept: files.length } : {}),
        ...(violations.length === 0 ? {} : { violations: violations.map(({ message }) => message) }),
      },
      { reading, stamp: '' },
    );
  const known = await deps.store.read((db) => versionOfReading(db, dataset, reading));
  if (known !== undefined && (await deps.blobs.has(asSha256(known.rowsDigest)))) {
    const violations = checked(request, await openRows(deps, known));
    const ingestion = await deps.store.write((tx) => keep(tx, known, false, violations), {});
    return { version: known, created: false, violations, ingestion };
  }
  const frame = fileFrame(files);
  const kept = where === undefined ? frame : rowsWhere(frame, where, from);
  const violations = checked(request, kept);
  const schema = expect ?? plainSchema(frame);
  await deps.blobs.put(listing.bytes);
  const whole = { dataset, schema, source: { format: 'files' as const, files: [listing.file] }, from, by, frame };
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
  throw new GyreError('FAILED_PRECONDITION', `${basename(source)}: none of the ${frame.rows} files meets "${where}"`, { where });
}

/** @returns the violations of the reviewed schema */
function checked({ key, target, expect }: FilesIngestRequest, frame: Frame): readonly QualityCheck[] {
  if (key !== undefined) frame.column(key);
  if (target !== undefined) checkTarget(frame, target);
  return expect === undefined ? [] : violationsOf(validateFrame(frame, expect));
}
