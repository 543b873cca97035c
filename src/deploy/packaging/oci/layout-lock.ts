import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { GyreError, messageOf } from '#core';

/** Of no size; tools that read layouts do not look at it. */
export const lockName = '.gyre-lock';
const retryMs = 20;
/** An index is written in milliseconds: who holds the lock for a minute does not get on. */
const retries = 3_000;

/**
 * Keeps others of this program, in this process and beside it, from changing a layout's index meanwhile. The lock is SQLite's own on a file, which
 * the kernel lets go of when the process ends, however it ends.
 * @throws GyreError PERMISSION_DENIED when the folder cannot be written; ABORTED when another holds it for a minute
 */
export async function holdLayout(folder: string): Promise<Disposable> {
  for (let tried = 0; tried < retries; tried++) {
    const held = tryHold(folder);
    if (held !== undefined) return held;
    await sleep(retryMs);
  }
  throw new GyreError('ABORTED', `another process writes into ${folder} and does not end: look for a gyre package that hangs`, { folder });
}

function tryHold(folder: string): Disposable | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, lockName));
    database.exec('pragma journal_mode = memory; pragma busy_timeout = 0; begin exclusive');
    const held = database;
    return { [Symbol.dispose]: () => held.close() };
  } catch (error) {
    database?.close();
    if (/locked|busy/.test(messageOf(error))) return undefined;
    throw new GyreError('PERMISSION_DENIED', `cannot write ${folder}: ${messageOf(error)}`, { folder }, { cause: error });
  }
}
