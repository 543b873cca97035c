import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Faults } from '#core';

/** Puts a file in the place of another, whole and durably: whoever reads it sees the old text or the new one. */
export function replaceFile(path: string, text: string, mode: number, faults: Faults): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'w', mode);
  try {
    writeFileSync(file, text);
    faults.at('file.write');
    fsyncSync(file);
    faults.at('file.fsync');
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
