import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '#core';
import { scratchOf } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { replaceFile } from './replace-file.ts';
import { racyAfter } from './scan.ts';

/**
 * Which tracked objects were seen to be whole: the cache had all that they name. Whether that still holds is told by the 256 folders of the
 * cache, whose times change when an object comes or goes, so that 100,000 objects need not be listed again.
 */
export interface WholeObjects {
  /** Whether nothing came or went since this object was seen to be whole. */
  has(object: ObjectName): boolean;
  /** Keeps what was found, for the state that the cache had when this was opened: before anything was listed. */
  save(whole: readonly ObjectName[]): void;
}

interface Seen {
  readonly state: string;
  readonly whole: readonly ObjectName[];
}

export function openWholeObjects(root: string, cache: string): WholeObjects {
  const file = join(scratchOf(root), 'whole');
  const state = stateOf(root, cache);
  const seen = readSeen(file);
  const known = new Set(seen !== undefined && seen.state === state ? seen.whole : []);
  return {
    has: (object) => known.has(object),
    save: (whole) => {
      const all = [...new Set([...known, ...whole])].sort();
      if (state === undefined || all.length === known.size) return;
      replaceFile(file, JSON.stringify({ state, whole: all } satisfies Seen), { durable: false });
    },
  };
}

/** @returns undefined when a folder changed so lately that the next change may leave the same times */
function stateOf(root: string, cache: string): string | undefined {
  const latest = racyAfter(root);
  const parts: string[] = [cache];
  for (let i = 0; i < 256; i++) {
    const found = statSync(`${cache}/files/md5/${i.toString(16).padStart(2, '0')}`, { throwIfNoEntry: false });
    // The cache's file system may stamp whole seconds where the workspace's does not.
    const tickMs = found !== undefined && found.mtimeMs % 1000 === 0 ? 2000 : 0;
    if (found !== undefined && Math.max(found.mtimeMs, found.ctimeMs) + tickMs > latest) return undefined;
    parts.push(found === undefined ? '-' : `${found.dev}:${found.ino}:${found.mtimeMs}:${found.ctimeMs}`);
  }
  return digestOf(parts.join('\n'));
}

function readSeen(file: string): Seen | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null || !('state' in value) || !('whole' in value)) return undefined;
    const { state, whole } = value;
    if (typeof state !== 'string' || !Array.isArray(whole)) return undefined;
    return { state, whole: whole.filter((each) => typeof each === 'string') };
  } catch {
    return undefined;
  }
}
