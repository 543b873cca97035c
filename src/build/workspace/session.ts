import { copyFileSync, constants, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchOf } from './layout.ts';
import { lockWorkspace } from './lock.ts';
import type { WorkOptions } from './port.ts';
import { withCanonicalErrors } from './portable-error.ts';
import { cacheIncoming, openRoot, workspaceIncoming } from './root.ts';
import type { WorkspaceRoot } from './root.ts';
import { openWorkerPool } from './worker-pool.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A workspace while one verb works in it: locked against other processes of this program, with threads. */
export interface Session {
  readonly root: WorkspaceRoot;
  readonly pool: WorkerPool;
  readonly signal: AbortSignal;
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
  const incoming = cacheIncoming(found.cache);
  const reflink = found.linkTypes.includes('reflink') && canReflink(path, incoming);
  // Asked once: a try for each file would make a file and delete it again.
  const root = reflink ? found : { ...found, linkTypes: found.linkTypes.filter((type) => type !== 'reflink') };
  await using pool = openWorkerPool({
    signal,
    ...(threads === undefined ? {} : { threads }),
    objects: root.cache,
    incoming,
    reflink,
  });
  try {
    return await withCanonicalErrors(() => work({ root, pool, signal }));
  } finally {
    for (const folder of [incoming, workspaceIncoming(path)]) rmSync(folder, { recursive: true, force: true });
  }
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
