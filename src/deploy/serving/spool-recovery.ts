import { readFileSync } from 'node:fs';
import { rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { readSegment } from './segment.ts';

export const openSuffix = '.open';
export const finishedSuffix = '.seg';

/** What dead processes had left open, as the start found it. */
export interface Recovered {
  readonly segments: number;
  /** Requests that are in them whole: all that were answered. */
  readonly requests: number;
  /** Behind the last whole frames: what was being written when the process died. Its answers were never sent. */
  readonly cutBytes: number;
}

export const nothingRecovered: Recovered = { segments: 0, requests: 0, cutBytes: 0 };

/** Finishes the open segment of a dead process, cut behind its last whole frame; one of a living process is left alone. */
export async function recoverSegment(dir: string, name: string): Promise<Recovered> {
  const parts = name.slice(0, -openSuffix.length).split('.');
  const owner = parts.pop() ?? '';
  if (isAlive(owner)) return nothingRecovered;
  const path = join(dir, name);
  const { size } = await stat(path);
  const { requests, soundBytes, torn } = await readSegment(path);
  const found = { segments: 1, requests, cutBytes: size - soundBytes };
  if (requests === 0) {
    await rm(path);
    return found;
  }
  if (torn) await truncate(path, soundBytes);
  await rename(path, join(dir, `${parts.join('.')}${finishedSuffix}`));
  return found;
}

/** A process as `<pid>-<start>`: process ids are used again, the pair is not. Where the kernel does not tell the start it is 0. */
export function ownerName(pid: number): string {
  return `${pid}-${startOf(pid)}`;
}

function isAlive(owner: string): boolean {
  const pid = Number(owner.split('-')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return ownerName(pid) === owner;
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22 of proc(5), counted behind the command's name, which may hold blanks and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}
