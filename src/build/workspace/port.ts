import type { WorkspaceProgress } from '#contract';
import type { ObjectName } from './layout.ts';
import type { Out } from './dvc-file.ts';

/** What long work is told and tells. */
export interface WorkOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: WorkspaceProgress) => void;
  /** Told once when another process works in the same workspace, and this one waits for it. */
  readonly onWait?: () => void;
  /** Threads; as many as there are processors without it. */
  readonly threads?: number;
}

/** A path that a `.dvc` file tracks. */
export interface TrackedPath {
  /** Relative to the root, with `/`. */
  readonly path: string;
  /** Absolute. */
  readonly absolute: string;
  /** The `.dvc` file, absolute. */
  readonly file: string;
  readonly out: Out;
}

export interface Added {
  readonly path: string;
  readonly object: ObjectName;
  readonly isFolder: boolean;
  readonly files: number;
  readonly size: number;
  /** The `.dvc` file, relative to the root. */
  readonly dvcFile: string;
  /** False when the `.dvc` file said all this already. */
  readonly changed: boolean;
  /** Files that had to be read. */
  readonly hashed: number;
  /** Objects that the cache did not have. */
  readonly stored: number;
  /** A `.gitignore` that got a line, relative to the root. */
  readonly gitignore?: string;
}

/** What differs between two states of a tracked path: relative paths, sorted. */
export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly modified: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
}
