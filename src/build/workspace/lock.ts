import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { GyreError, messageOf } from '#core';
import { scratchOf } from './layout.ts';

const retryMs = 50;

export interface LockOptions {
  readonly signal: AbortSignal;
  /** Told once when another process holds it. */
  readonly onWait: () => void;
}

/**
 * Keeps other processes of this program from changing the same workspace meanwhile. The lock is SQLite's own on a small file, which the
 * kernel lets go of when the process ends, however it ends. DVC's processes do not see it: beside them, objects and `.dvc` files are put in
 * place by renames, so that each is whole whoever comes last.
 * @throws GyreError CANCELLED, PERMISSION_DENIED
 */
export async function lockWorkspace(root: string, { signal, onWait }: LockOptions): Promise<Disposable> {
  const folder = scratchOf(root);
  let told = false;
  for (;;) {
    if (signal.aborted) throw new GyreError('CANCELLED', 'stopped while waiting for another process in this workspace');
    const lock = tryLock(folder);
    if (lock !== undefined) return lock;
    if (!told) onWait();
    told = true;
    await sleep(retryMs);
  }
}

function tryLock(folder: string): Disposable | undefined {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    database = new DatabaseSync(join(folder, 'lock'));
    database.exec('pragma journal_mode = memory; pragma busy_timeout = 0; begin exclusive');
    const held = database;
    return { [Symbol.dispose]: () => held.close() };
  } catch (error) {
    database?.close();
    if (/locked|busy/.test(messageOf(error))) return undefined;
    throw new GyreError('PERMISSION_DENIED', `cannot write ${folder}: ${messageOf(error)}`, {}, { cause: error });
  }
}
