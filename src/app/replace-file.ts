import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fromFileSystem } from '#blobs';
import type { Faults } from '#core';

/**
 * Puts a file in the place of another, whole and durably: whoever reads it sees the old text or the new one.
 * @throws GyreError what the file system refused, such as RESOURCE_EXHAUSTED for a full disk; the old text stays
 */
export function replaceFile(path: string, text: string, mode: number, faults: Faults): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w', mode);
  try {
    writeFileSync(file, text);
    faults.at('file.write');
    fsyncSync(file);
    faults.at('file.fsync');
  } catch (error) {
    rmSync(temporary, { force: true });
    throw fromFileSystem(error, path);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
  faults.at('file.rename');
}
