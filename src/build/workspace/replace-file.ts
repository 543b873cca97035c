import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { threadId } from 'node:worker_threads';

export interface ReplaceOptions {
  /** 0o666 without it, less what the process's umask takes. */
  readonly mode?: number;
  /** Whether it survives a power cut; true without it. */
  readonly durable?: boolean;
}

let count = 0;

/** Puts a file in the place of another, whole: whoever reads it sees the old bytes or the new ones. The folder is made when missing. */
export function replaceFile(path: string, bytes: string | Uint8Array, { mode = 0o666, durable = true }: ReplaceOptions = {}): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const temporary = `${path}.${process.pid}-${threadId}-${++count}.tmp`;
  const file = openSync(temporary, 'w', mode);
  try {
    writeFileSync(file, bytes);
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  if (durable) syncFolder(folder);
}

/** Makes renames and new entries in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
