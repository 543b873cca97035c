import { mkdir, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GyreError, messageOf } from '#core';

/** The folder in which one output is worked on, held by this process alone. */
export interface WorkFolder extends AsyncDisposable {
  readonly path: string;
  /** Throws away what is in it. */
  clear(): Promise<void>;
  /** Removes it; who waits for it begins anew. */
  remove(): Promise<void>;
}

const lockName = 'lock.db';
/** Whoever removes a folder has its lock for a moment longer. */
const waitMs = 250;
const SQLITE_BUSY = 5;

/**
 * Takes a work folder for this process: by SQLite's file lock, which the kernel releases when the process dies, however it dies.
 * @param path absolute; made when it is not there
 * @throws GyreError ABORTED when another process works in it
 */
export async function takeWorkFolder(path: string, output: string): Promise<WorkFolder> {
  const file = join(path, lockName);
  for (;;) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    // Never opened and closed beside SQLite: closing any handle of a file gives up this process's locks on it.
    await writeFile(file, '', { flag: 'wx' }).catch(() => undefined);
    const before = await inodeOf(file);
    if (before === undefined) continue;
    const lock = openLock(file, output);
    // whoever finished just now may have removed the file between our opening it and our having its lock
    if ((await inodeOf(file)) === before) return heldFolder(path, lock);
    lock.close();
  }
}

async function inodeOf(file: string): Promise<bigint | undefined> {
  return stat(file, { bigint: true }).then(
    ({ ino }) => ino,
    () => undefined,
  );
}

function openLock(file: string, output: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: waitMs });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (!(error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY))
      throw new GyreError('FAILED_PRECONDITION', `cannot work in ${file}: ${messageOf(error)}`, {}, { cause: error });
    throw new GyreError('ABORTED', `${output} is being written by another batch prediction: wait until it ends, or stop it`, { output });
  }
}

function heldFolder(path: string, lock: DatabaseSync): WorkFolder {
  let isOpen = true;
  const release = (): void => {
    if (isOpen) lock.close();
    isOpen = false;
  };
  const clear = async (): Promise<void> => {
    for (const name of await readdir(path)) if (!name.startsWith(lockName)) await rm(join(path, name), { recursive: true, force: true });
  };
  return {
    path,
    clear,
    remove: async () => {
      await clear();
      // while it is locked, so that nobody who opens it later takes it for the lock
      await rm(join(path, lockName), { force: true });
      release();
      await rm(join(path, `${lockName}-journal`), { force: true });
      await rmdir(path).catch(() => undefined);
    },
    [Symbol.asyncDispose]: async () => {
      release();
      await Promise.resolve();
    },
  };
}
