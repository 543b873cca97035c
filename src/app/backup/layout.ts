import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Backup } from '#contract';
import { GyreError, messageOf } from '#core';
import { openLock } from '../data-folder.ts';

/*
 * A folder of backups: `blobs/` with the blobs of all of them, as they are stored; `backups/<id>/` with what each has of its own: the records
 * (`gyre.db`), the secrets, the list of its blobs, and, written last, `backup.json`. Without that one it is no backup.
 */

/** What a whole backup says of itself. */
export interface BackupRecord {
  readonly format: 'gyre.backup.v2';
  readonly id: string;
  readonly gyre: string;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Where the records were. */
  readonly database: 'sqlite' | 'postgresql';
  readonly databaseBytes: number;
  /** SHA-256 of `gyre.db`. */
  readonly databaseDigest: string;
  /** SHA-256 of the list of blobs. */
  readonly listDigest: string;
  readonly blobs: number;
  readonly bytes: number;
}

/** What a check of a backup found. */
export interface Verification {
  readonly at: string;
  /** Files with other bytes than they had, or that are gone. */
  readonly damaged: readonly string[];
}

const recordName = 'backup.json';
/** Whoever only looks whether the folder is taken has the lock for a moment: who wants it waits for so long. */
const probeMs = 250;
const ours: readonly string[] = ['blobs', 'backups', 'lock.db', 'lock.db-journal'];

export const blobsIn = (folder: string): string => join(folder, 'blobs');

/** Where the parts of one backup are. */
export function partsOf(folder: string, id: string) {
  const own = join(folder, 'backups', id);
  return {
    own,
    record: join(own, recordName),
    database: join(own, 'gyre.db'),
    list: join(own, 'blobs.list'),
    secrets: join(own, 'secrets'),
    verification: join(own, 'verified.json'),
  };
}

/**
 * Takes a folder for one process that changes its backups, and makes it.
 * @throws GyreError FAILED_PRECONDITION when it holds something else; ALREADY_EXISTS while another process changes it
 */
export async function holdBackups(folder: string): Promise<Disposable> {
  const names = await namesIn(folder);
  if (names.some((name) => !ours.includes(name)))
    throw new GyreError('FAILED_PRECONDITION', `${folder} holds something else than backups: give an empty folder`, { folder });
  try {
    await mkdir(join(folder, 'backups'), { recursive: true, mode: 0o700 });
    await mkdir(blobsIn(folder), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new GyreError('PERMISSION_DENIED', `cannot write backups into ${folder}: ${messageOf(error)}`, { folder }, { cause: error });
  }
  let lock: DatabaseSync;
  try {
    lock = openLock(folder, probeMs);
  } catch (error) {
    const message = `another backup into ${folder} is under way: wait until it ends`;
    throw new GyreError('ALREADY_EXISTS', message, { folder }, { cause: error });
  }
  return { [Symbol.dispose]: () => lock.close() };
}

/** Ids of what is in a folder, newest first, cut off or not. */
export async function idsIn(folder: string): Promise<readonly string[]> {
  return (await namesIn(join(folder, 'backups'))).toReversed();
}

/** Undefined where a backup was cut off. @throws GyreError FAILED_PRECONDITION for one of another format */
export async function recordOf(folder: string, id: string): Promise<BackupRecord | undefined> {
  const record = await json<BackupRecord>(partsOf(folder, id).record);
  if (record === undefined || record.format === 'gyre.backup.v2') return record;
  throw new GyreError('FAILED_PRECONDITION', `${partsOf(folder, id).own} is a backup of another format`, { folder, id });
}

/** The whole backups of a folder, newest first. */
export async function recordsIn(folder: string): Promise<readonly BackupRecord[]> {
  const records = await Promise.all((await idsIn(folder)).map((id) => recordOf(folder, id)));
  return records.filter((record) => record !== undefined);
}

/**
 * The backup that is meant: the newest whole one without an id.
 * @throws GyreError NOT_FOUND for an id that is not there; FAILED_PRECONDITION when it is not whole, or none is
 */
export async function requireRecord(folder: string, id?: string): Promise<BackupRecord> {
  if (id === undefined) {
    const [newest] = await recordsIn(folder);
    if (newest !== undefined) return newest;
    throw new GyreError('FAILED_PRECONDITION', `${folder} holds no whole backup: those that were cut off are none`, { folder });
  }
  const record = await recordOf(folder, id);
  if (record !== undefined) return record;
  const isThere = (await idsIn(folder)).includes(id);
  throw new GyreError(
    isThere ? 'FAILED_PRECONDITION' : 'NOT_FOUND',
    isThere ? `backup ${id} in ${folder} is not whole: it was cut off` : `there is no backup ${id} in ${folder}`,
    { folder, id },
  );
}

/** All that are in a folder as records name them, newest first. */
export async function listBackups(folder: string): Promise<readonly Backup[]> {
  return Promise.all((await idsIn(folder)).map((id) => describe(folder, id)));
}

async function describe(folder: string, id: string): Promise<Backup> {
  const record = await recordOf(folder, id);
  if (record === undefined) return { id, state: 'cut_off', startedAt: startOf(id), blobs: 0, bytes: 0 };
  const { gyre, startedAt, endedAt, database, databaseBytes, blobs, bytes } = record;
  const verified = await json<Verification>(partsOf(folder, id).verification);
  const damaged = verified?.damaged ?? [];
  return {
    id,
    state: damaged.length > 0 ? 'damaged' : 'whole',
    startedAt,
    endedAt,
    gyre,
    database,
    databaseBytes,
    blobs,
    bytes,
    ...(verified === undefined ? {} : { verifiedAt: verified.at }),
    ...(damaged.length > 0 ? { damaged: damaged.slice(0, 100) } : {}),
  };
}

/** @param instant ISO 8601 in UTC with milliseconds */
export const idOf = (instant: string): string => instant.replaceAll(/[-:.]/g, '');

const startOf = (id: string): string => id.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\d)(\d{3})Z$/, '$1-$2-$3:$4:$5.$6Z');

export async function namesIn(folder: string): Promise<readonly string[]> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  return names.toSorted();
}

/** Undefined where there is no such file. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}

/** Takes away what was begun and never became a backup. */
export async function removeCutOff(folder: string): Promise<void> {
  for (const id of await idsIn(folder)) {
    if ((await recordOf(folder, id)) === undefined) await rm(partsOf(folder, id).own, { recursive: true, force: true });
  }
}

/** What this process or an earlier one wrote. */
async function json<T>(path: string): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
