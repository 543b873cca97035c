import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError } from '#core';
import { copyFromFile } from '#store';
import { holdDataFolder } from '../data-folder.ts';
import { migrationSets } from '../migrations.ts';
import { digestOfFile, readList } from './blob-list.ts';
import { putBlobs } from './copy-blobs.ts';
import { copyDurably, copyFiles } from './files.ts';
import { blobsIn, namesIn, partsOf, requireRecord } from './layout.ts';
import type { BackupRecord } from './layout.ts';
import { openStoredBlobs, recordsPlaceOf } from './places.ts';
import type { BackupWorld } from './places.ts';

export interface RestoreOptions {
  /** Absolute. */
  readonly folder: string;
  /** Default: the newest whole one. */
  readonly id?: string;
  readonly signal: AbortSignal;
  /** Told how many blobs were copied. */
  readonly progress: (copied: number) => void;
}

/**
 * Makes a platform of a backup, in an empty data folder and, where the settings name one, an empty schema of PostgreSQL or a bucket. The
 * records come last, at once: killed in between there are none, and the next call goes on.
 * @throws GyreError FAILED_PRECONDITION for what is no whole backup; ALREADY_EXISTS when there are records already, or the data folder is in
 * use; DATA_LOSS; CANCELLED
 */
export async function restore(world: BackupWorld, { folder, id, signal, progress }: RestoreOptions): Promise<BackupRecord> {
  const record = await requireRecord(folder, id);
  const parts = partsOf(folder, record.id);
  const { settings, clock, faults } = world;
  const { dataFolder: data } = settings;
  const place = recordsPlaceOf(settings);
  using held = holdDataFolder(data, clock);
  if ('file' in place && (await namesIn(data)).includes('gyre.db'))
    throw new GyreError('ALREADY_EXISTS', `${data} has a database already: give an empty data folder with --data DIR`, { data });
  await requireDigest(parts.database, record.databaseDigest);
  await requireDigest(parts.list, record.listDigest);
  await using stored = await openStoredBlobs(world);
  let copied = 0;
  // oxlint-disable-next-line no-unused-vars -- each is done when it comes
  for await (const _blob of putBlobs(blobsIn(folder), readList(parts.list), stored, signal)) {
    faults.at('blob.rename');
    progress(++copied);
  }
  await copyFiles(parts.secrets, join(data, 'secrets'), faults);
  if ('file' in place) {
    await copyDurably(parts.database, held.database, faults);
    return record;
  }
  const file = join(held.temporary, 'restored.db');
  await copyDurably(parts.database, file, faults);
  await copyFromFile({ ...place, path: file, sets: migrationSets, signal });
  await rm(file, { force: true });
  return record;
}

async function requireDigest(path: string, digest: string): Promise<void> {
  if ((await digestOfFile(path)) === digest) return;
  throw new GyreError('DATA_LOSS', `${path} is not what was backed up: restore another backup`, { path });
}
