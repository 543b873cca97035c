import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { GyreError, messageOf } from '#core';
import type { Faults } from '#core';

/**
 * Puts a file in the place of another, whole and durably: whoever reads it sees the old text or the new one.
 * @throws GyreError RESOURCE_EXHAUSTED when the disk is full; the old text stays
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
    throw isFull(error) ? new GyreError('RESOURCE_EXHAUSTED', `the disk is full: ${messageOf(error)}`, { path }, { cause: error }) : error;
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

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
