import { copyFileSync, constants, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchOf } from './layout.ts';
import { lockWorkspace } from './lock.ts';
import type { WorkOptions } from './port.ts';
import { withCanonicalErrors } from './file-errors.ts';
import { openIncoming } from './incoming.ts';
import { openRoot } from './root.ts';
import type { WorkspaceRoot } from './root.ts';
import { openWorkerPool } from './worker-pool.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A workspace while one verb works in it: locked against other processes of this program, with threads. */
export interface Session {
  readonly root: WorkspaceRoot;
  readonly pool: WorkerPool;
  readonly signal: AbortSignal;
  /** Absolute: for files on their way into the workspace. */
  readonly incoming: string;
}

export interface SessionOptions extends WorkOptions {
  /** False for work that changes nothing but the stat cache. */
  readonly lock?: boolean;
}

/** Runs one verb in a workspace. @param path its root */
export async function inSession<T>(path: string, options: SessionOptions, work: (session: Session) => Promise<T>): Promise<T> {
  const { signal, threads, onWait = () => undefined } = options;
  using _lock = options.lock === false ? undefined : await lockWorkspace(path, { signal, onWait });
  const found = openRoot(path);
  using intoCache = openIncoming(join(found.cache, 'gyre'));
  using intoWorkspace = openIncoming(scratchOf(path));
  const reflink = found.linkTypes.includes('reflink') && canReflink(path, intoCache.path);
  // Asked once: a try for each file would make a file and delete it again.
  const root = reflink ? found : { ...found, linkTypes: found.linkTypes.filter((type) => type !== 'reflink') };
  await using pool = openWorkerPool({
    signal,
    ...(threads === undefined ? {} : { threads }),
    objects: root.cache,
    incoming: intoCache.path,
    reflink,
  });
  return await withCanonicalErrors(() => work({ root, pool, signal, incoming: intoWorkspace.path }));
}

/** Whether the file systems of workspace and cache are one that shares blocks between files (btrfs, XFS, bcachefs). */
function canReflink(root: string, incoming: string): boolean {
  const [from, to] = [join(scratchOf(root), `probe-${process.pid}`), join(incoming, 'probe')];
  try {
    writeFileSync(from, 'probe');
    copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(from, { force: true });
    rmSync(to, { force: true });
  }
}
