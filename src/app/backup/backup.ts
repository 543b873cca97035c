import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import type { ObjectStore } from '#blobs';
import { GyreError, isoInstant, type Clock, type Faults } from '#core';
import { copyToFile } from '#store';
import { migrationSets } from '../migrations.ts';
import { replaceFile } from '../replace-file.ts';
import { gyreVersion } from '../version.ts';
import { digestOfFile, readList, writeList } from './blob-list.ts';
import type { StoredBlob } from './blob-list.ts';
import { copyBlobs } from './copy-blobs.ts';
import { copyFiles, nameDurably } from './files.ts';
import { blobsIn, holdBackups, idOf, partsOf, recordsIn, removeCutOff, sizeOf } from './layout.ts';
import type { BackupRecord } from './layout.ts';
import { openStoredBlobs, recordsPlaceOf } from './places.ts';
import type { BackupWorld, RecordsPlace } from './places.ts';
import { removeBackup } from './remove.ts';

export interface BackupOptions {
  /** Absolute; holds nothing but backups. */
  readonly folder: string;
  /** So many whole backups stay, the newest; default all. */
  readonly keep?: number;
  readonly signal: AbortSignal;
  /** Told how many blobs were copied. */
  readonly progress: (copied: number) => void;
  /** Told what the backup is called, once it has begun. */
  readonly begun?: (id: string) => void;
}

/** SQLite begins again whenever somebody writes between two steps: all pages go in one, which reads one snapshot and holds off nobody. */
const allPages = 2 ** 31 - 1;

/**
 * Copies a platform while it runs: the blobs, then the records as one snapshot has them, then the blobs that were stored meanwhile, so that
 * none that the records refer to is missing; the secrets. Only what the folder's earlier backups lack is copied. Killed in between, it is no
 * backup, and the earlier ones are what they were.
 * @throws GyreError FAILED_PRECONDITION when the folder holds something else; ALREADY_EXISTS while another backup into it is under way;
 * DATA_LOSS naming a blob that is corrupt; CANCELLED
 */
export async function backUp(world: BackupWorld, options: BackupOptions): Promise<BackupRecord> {
  const { settings, clock, faults } = world;
  const { folder, signal, progress, keep = Infinity } = options;
  const place = recordsPlaceOf(settings);
  if ('file' in place && (await sizeOf(place.file)) === undefined)
    throw new GyreError('FAILED_PRECONDITION', `there is nothing to back up: ${settings.dataFolder} has no database yet`);
  using _held = await holdBackups(folder);
  await removeCutOff(folder);
  const { id, startedAt } = await begin(folder, clock);
  options.begun?.(id);
  const parts = partsOf(folder, id);
  await using stored = await openStoredBlobs(world);
  const known = await knownDigests(folder);
  let copied = 0;
  for await (const { isNew } of copyBlobs(stored, blobsIn(folder), { known, signal })) {
    if (!isNew) continue;
    faults.at('blob.rename');
    progress(++copied);
  }
  await copyRecords(place, parts.database, { signal, faults });
  const listed = await listBlobs(stored, folder, id, { known, signal, isCopied: () => progress(++copied) });
  await copyFiles(join(settings.dataFolder, 'secrets'), parts.secrets, faults);
  const record: BackupRecord = {
    format: 'gyre.backup.v2',
    id,
    gyre: gyreVersion,
    startedAt,
    endedAt: isoInstant(clock.now()),
    database: 'file' in place ? 'sqlite' : 'postgresql',
    databaseBytes: (await sizeOf(parts.database)) ?? 0,
    databaseDigest: await digestOfFile(parts.database),
    listDigest: await digestOfFile(parts.list),
    ...listed,
  };
  signal.throwIfAborted();
  replaceFile(parts.record, `${JSON.stringify(record, undefined, 2)}\n`, 0o600, faults);
  for (const old of (await recordsIn(folder)).slice(keep)) await removeBackup(folder, old.id);
  return record;
}

async function begin(folder: string, clock: Clock): Promise<{ readonly id: string; readonly startedAt: string }> {
  const startedAt = isoInstant(clock.now());
  const id = idOf(startedAt);
  const { own } = partsOf(folder, id);
  try {
    await mkdir(own, { mode: 0o700 });
  } catch (error) {
    throw new GyreError('ALREADY_EXISTS', `there is a backup of this very instant: ${own}`, { folder, id }, { cause: error });
  }
  return { id, startedAt };
}

/** Writes the list of all blobs, those that were stored since the first pass among them: garbage collection spares what is so young. */
async function listBlobs(
  stored: ObjectStore,
  folder: string,
  id: string,
  options: { readonly known: ReadonlyMap<string, string>; readonly signal: AbortSignal; readonly isCopied: () => void },
): Promise<{ readonly blobs: number; readonly bytes: number }> {
  let [blobs, bytes] = [0, 0];
  async function* listed(): AsyncGenerator<StoredBlob> {
    for await (const blob of copyBlobs(stored, blobsIn(folder), options)) {
      if (blob.isNew) options.isCopied();
      blobs += 1;
      bytes += blob.size;
      yield blob;
    }
  }
  await writeList(partsOf(folder, id).list, listed());
  return { blobs, bytes };
}

/** What the bytes of sealed blobs are, as the newest backup has it. */
async function knownDigests(folder: string): Promise<ReadonlyMap<string, string>> {
  const known = new Map<string, string>();
  const [newest] = await recordsIn(folder);
  if (newest === undefined) return known;
  for await (const { key, digest, copy } of readList(partsOf(folder, newest.id).list)) if (key !== copy) known.set(copy, digest);
  return known;
}

async function copyRecords(
  place: RecordsPlace,
  to: string,
  { signal, faults }: { readonly signal: AbortSignal; readonly faults: Faults },
): Promise<void> {
  const part = `${to}.part`;
  await rm(part, { force: true });
  if ('file' in place) {
    const source = new DatabaseSync(place.file, { readOnly: true });
    try {
      await backup(source, part, { rate: allPages });
    } finally {
      source.close();
    }
  } else await copyToFile({ ...place, path: part, sets: migrationSets, signal });
  await nameDurably(part, to, faults);
}
