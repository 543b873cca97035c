import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import { GyreError, isoInstant, noFaults, systemClock } from '#core';
import { isBucket } from '../blobs.ts';
import { holdDataFolder } from '../data-folder.ts';
import { replaceFile } from '../replace-file.ts';
import { blobsPlaceOf, type SettledSettings } from '../settings.ts';
import { gyreVersion } from '../version.ts';
import { copyBlobs, digestOfFile, namesIn, syncPath } from './copy-blobs.ts';

/** What a backup says of itself, once it is whole. */
export interface BackupRecord {
  readonly format: 'gyre.backup.v1';
  readonly gyre: string;
  readonly at: string;
  /** SHA-256 of the database's file. */
  readonly database: string;
  readonly blobs: number;
  readonly bytes: number;
}

interface BackupOptions {
  /** Absolute. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Told how many blobs were copied. */
  readonly progress: (copied: number) => void;
}

const recordName = 'backup.json';

/**
 * Copies a data folder while the platform runs on it: the database as SQLite's online backup gives it, one consistent state; the blobs before and
 * after, so that none that the state refers to is missing; the secrets. A folder that holds an earlier backup gets only what is new. Killed in
 * between, it is no backup until the next one ends.
 * @throws GyreError FAILED_PRECONDITION where the database or the blobs are elsewhere, or the folder holds something else; DATA_LOSS
 */
export async function backUp(settings: SettledSettings, { folder, signal, progress }: BackupOptions): Promise<BackupRecord> {
  const { data, blobs } = placesOf(settings);
  const names = await namesIn(folder);
  const isOurs =
    names.length === 0 ||
    names.includes(recordName) ||
    names.every((name) => ['blobs', 'gyre.db', 'gyre.db.part', 'secrets'].includes(name));
  if (!isOurs) throw new GyreError('FAILED_PRECONDITION', `${folder} holds something else than a backup: give an empty folder`, { folder });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(join(folder, recordName), { force: true });
  const target = join(folder, 'blobs');
  await copyBlobs(blobs, target, signal, progress);
  const database = join(folder, 'gyre.db');
  await copyDatabase(join(data, 'gyre.db'), database);
  // What was stored since the first pass: garbage collection spares what is so young.
  const { count, bytes } = await copyBlobs(blobs, target, signal, progress);
  await copySecrets(join(data, 'secrets'), join(folder, 'secrets'));
  const record: BackupRecord = {
    format: 'gyre.backup.v1',
    gyre: gyreVersion,
    at: isoInstant(systemClock.now()),
    database: await digestOfFile(database),
    blobs: count,
    bytes,
  };
  replaceFile(join(folder, recordName), `${JSON.stringify(record, undefined, 2)}\n`, 0o600, noFaults);
  return record;
}

/**
 * Makes a data folder of a backup. The database gets its name last: killed in between, there is none, and the next call goes on.
 * @throws GyreError FAILED_PRECONDITION for what is no whole backup; ALREADY_EXISTS when the data folder has a database, or is in use; DATA_LOSS
 */
export async function restore(settings: SettledSettings, { folder, signal, progress }: BackupOptions): Promise<BackupRecord> {
  const record = await readRecord(folder);
  const { data, blobs } = placesOf(settings);
  using held = holdDataFolder(data, systemClock);
  if ((await namesIn(data)).includes('gyre.db'))
    throw new GyreError('ALREADY_EXISTS', `${data} has a database already: give an empty data folder with --data DIR`, { data });
  const source = join(folder, 'gyre.db');
  if ((await digestOfFile(source)) !== record.database)
    throw new GyreError('DATA_LOSS', `${source} is not the database that was backed up`, { path: source });
  const { count } = await copyBlobs(join(folder, 'blobs'), blobs, signal, progress);
  if (count < record.blobs) throw new GyreError('DATA_LOSS', `${folder} holds ${count} of ${record.blobs} blobs`, { folder });
  await copySecrets(join(folder, 'secrets'), join(data, 'secrets'));
  await copyDurably(source, held.database);
  return record;
}

function placesOf(settings: SettledSettings): { readonly data: string; readonly blobs: string } {
  const { dataFolder, values } = settings;
  if (values.database !== '') {
    const words =
      'the metadata is in PostgreSQL: back it up with pg_dump, and the folder or bucket of the blobs after it, with a tool of its own';
    throw new GyreError('FAILED_PRECONDITION', words);
  }
  const { address } = blobsPlaceOf(settings, { blobs: join(dataFolder, 'blobs'), blobCache: join(dataFolder, 'blob-cache') });
  if (!isBucket(address)) return { data: dataFolder, blobs: address };
  throw new GyreError('FAILED_PRECONDITION', `the blobs are in ${address}: back the bucket up with what its service has for that`);
}

async function readRecord(folder: string): Promise<BackupRecord> {
  const text = await readFile(join(folder, recordName), 'utf8').catch(() => undefined);
  if (text === undefined)
    throw new GyreError('FAILED_PRECONDITION', `${folder} holds no whole backup: ${recordName} is not there`, { folder });
  // Written by backUp alone.
  const record = JSON.parse(text) as BackupRecord;
  if (record.format === 'gyre.backup.v1') return record;
  throw new GyreError('FAILED_PRECONDITION', `${folder} holds a backup of another format`, { folder });
}

async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    await rm(`${to}.part`, { force: true });
    await backup(source, `${to}.part`);
  } finally {
    source.close();
  }
  await syncPath(`${to}.part`);
  await rename(`${to}.part`, to);
  await syncPath(join(to, '..'));
}

async function copySecrets(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const name of await namesIn(from)) await copyDurably(join(from, name), join(to, name));
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, `${to}.part`);
  await syncPath(`${to}.part`);
  await rename(`${to}.part`, to);
  await syncPath(join(to, '..'));
}
