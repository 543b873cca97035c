import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isoInstant, noFaults, type Clock } from '#core';
import { replaceFile } from '../replace-file.ts';
import { digestOfFile, readList } from './blob-list.ts';
import type { StoredBlob } from './blob-list.ts';
import { ahead } from './copy-blobs.ts';
import { blobsIn, holdBackups, partsOf, requireRecord } from './layout.ts';
import type { Verification } from './layout.ts';

export interface VerifyOptions {
  readonly folder: string;
  /** Default: the newest whole one. */
  readonly id?: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told how many files were read. */
  readonly progress: (read: number) => void;
}

/**
 * Reads all that a backup is made of and compares it with what it was. The outcome stays with the backup. A damaged blob is set aside, so that
 * the next backup copies it again.
 * @throws GyreError NOT_FOUND, FAILED_PRECONDITION; CANCELLED
 */
export async function verifyBackup(options: VerifyOptions): Promise<Verification & { readonly id: string }> {
  const { folder, clock, signal, progress } = options;
  using _held = await holdBackups(folder);
  const record = await requireRecord(folder, options.id);
  const parts = partsOf(folder, record.id);
  const damaged: string[] = [];
  for (const [name, path, digest] of [
    ['gyre.db', parts.database, record.databaseDigest],
    ['blobs.list', parts.list, record.listDigest],
  ] as const) {
    if ((await digestAt(path)) !== digest) damaged.push(name);
  }
  let read = 0;
  const check = async ({ copy, digest }: StoredBlob): Promise<string | undefined> => {
    const path = join(blobsIn(folder), copy);
    const found = await digestAt(path);
    if (found === digest) return undefined;
    if (found !== undefined) await rename(path, `${path}.damaged`);
    return copy;
  };
  for await (const found of ahead(readList(parts.list), check)) {
    signal.throwIfAborted();
    progress(++read);
    if (found !== undefined) damaged.push(found);
  }
  const outcome: Verification = { at: isoInstant(clock.now()), damaged };
  replaceFile(parts.verification, `${JSON.stringify(outcome, undefined, 2)}\n`, 0o600, noFaults);
  return { id: record.id, ...outcome };
}

async function digestAt(path: string): Promise<string | undefined> {
  try {
    return await digestOfFile(path);
  } catch {
    // Gone or unreadable: damaged either way.
    return undefined;
  }
}
