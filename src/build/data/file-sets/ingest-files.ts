import { realpath } from 'node:fs/promises';
import type { DatasetFile } from '#contract';
import { GyreError, digestOf } from '#core';
import type { IngestionPlan, IngestionWork } from '../ingestions/running.ts';
import type { DataDeps, Ingested } from '../port.ts';
import { recordFolder } from '../record-folder.ts';
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
      const listing = listingOf(files);
      const recorded = await recordFolder(
        deps,
        request,
        {
          reading: digestOf({ files: listing.file.sha256, where: request.where ?? null }),
          format: 'files',
          files: [listing],
          frame: () => fileFrame(files),
          facts: (rows) => (inCache ? { newRows: rows, kept: files.length } : { newRows: read }),
        },
        going,
      );
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
