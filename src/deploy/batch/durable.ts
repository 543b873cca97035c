import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Faults } from '#core';

/** Flushes a file, or a folder's names, to the disk. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives a finished file or folder its name; it is flushed before, and the name after. */
export async function settle(from: string, to: string, faults: Faults): Promise<void> {
  faults.at('file.fsync');
  await flush(from);
  faults.at('file.rename');
  await rename(from, to);
  await flush(dirname(to));
}

/** Writes a record whole or not at all. */
export async function keepRecord(path: string, value: unknown, faults: Faults): Promise<void> {
  faults.at('file.write');
  await writeFile(`${path}.new`, `${JSON.stringify(value)}\n`);
  await settle(`${path}.new`, path, faults);
}

/** A record that was kept; undefined when there is none. */
export async function readRecord(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}
