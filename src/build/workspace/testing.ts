import { mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasCode } from '#core';
import type { ErrorCode } from '#core';
import { openWorkspace } from './open-workspace.ts';
import type { Workspace } from './open-workspace.ts';
import type { WorkOptions } from './port.ts';

/** A workspace in a temporary folder. */
export interface Bench extends AsyncDisposable {
  readonly folder: string;
  readonly workspace: Workspace;
  readonly options: WorkOptions;
  /** Writes files; a path's folders are made. */
  files(contents: Readonly<Record<string, string>>): void;
}

export function openBench(): Bench {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gyre-workspace-')));
  return {
    folder,
    workspace: openWorkspace(folder),
    options: { signal: new AbortController().signal, threads: 2 },
    files: (contents) => {
      for (const [path, text] of Object.entries(contents)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A test on an error: its code, and words of its message. */
export const isA =
  (code: ErrorCode, words: RegExp) =>
  (error: unknown): boolean =>
    hasCode(error, code) && words.test(error.message);

/** The text of a file in the workspace's folder. */
export const textOf = (bench: Bench, path: string): string => readFileSync(join(bench.folder, path), 'utf8');
