import { resolve } from 'node:path';
import { GyreError } from '#core';
import { addPaths } from './add.ts';
import type { CheckedOut } from './checkout.ts';
import { diffOf } from './diff.ts';
import type { DiffRequest, PathDiff } from './diff.ts';
import { collectGarbage } from './garbage.ts';
import type { CollectedGarbage, GarbageOptions } from './garbage.ts';
import { historyOf } from './git-history.ts';
import type { RecordedVersion } from './git-history.ts';
import type { Added, TrackedPath, WorkOptions } from './port.ts';
import { checkoutFrom, pullFrom, requireNothingFailed } from './pull.ts';
import type { Behind } from './pull.ts';
import { pushTo } from './push.ts';
import type { Pushed } from './push.ts';
import { openRemote } from './remote-objects.ts';
import type { RemoteObjects, S3Access } from './remote-objects.ts';
import { remoteStatusOf } from './remote-status.ts';
import type { RemoteStatus } from './remote-status.ts';
import { addRemote, remoteNamed, remotesOf, removeRemote } from './remotes.ts';
import type { NewRemote, Remote } from './remotes.ts';
import { findRoot, initRoot } from './root.ts';
import { inSession } from './session.ts';
import { statusOf } from './status.ts';
import type { TrackedStatus } from './status.ts';
import { chosenPaths } from './tracked.ts';

/**
 * The data files of a working folder, versioned in DVC's formats: `.dvc` files beside them, their bytes in a content cache. Paths that are
 * handed in are absolute or relative to the folder that the workspace was opened at; none of them: everything that is tracked.
 */
export interface Workspace {
  /** Absolute; undefined until the first `add` in a folder that had no `.dvc`. */
  readonly root: string | undefined;
  tracked(): readonly TrackedPath[];
  /**
   * Puts files and folders into the cache and writes a `.dvc` file beside each; makes the `.dvc` folder when there is none.
   * @throws GyreError NOT_FOUND, INVALID_ARGUMENT (what cannot be versioned), FAILED_PRECONDITION (git or another `.dvc` file tracks it),
   * ABORTED when a file changes while it is read, CANCELLED
   */
  add(paths: readonly string[], options: WorkOptions): Promise<readonly Added[]>;
  status(paths: readonly string[], options: WorkOptions): Promise<readonly TrackedStatus[]>;
  /** What the remote lacks of tracked paths, and what the cache does. */
  remoteStatus(paths: readonly string[], options: WorkOptions & { readonly remote?: string }): Promise<readonly RemoteStatus[]>;
  diff(request: DiffRequest, options: WorkOptions): Promise<readonly PathDiff[]>;
  /**
   * Makes paths what their `.dvc` files say, from the cache; what it lacks comes from the default remote where there is one.
   * @throws GyreError FAILED_PRECONDITION when files would be lost that the cache does not have, DATA_LOSS naming missing and damaged objects
   */
  checkout(paths: readonly string[], options: WorkOptions & { readonly force?: boolean }): Promise<readonly CheckedOut[]>;
  push(paths: readonly string[], options: WorkOptions & { readonly remote?: string }): Promise<Pushed>;
  pull(
    paths: readonly string[],
    options: WorkOptions & { readonly remote?: string; readonly force?: boolean },
  ): Promise<readonly CheckedOut[]>;
  /**
   * Finds objects of the cache that no `.dvc` file in the folder or in git's history names, and deletes them with `apply`.
   * @throws GyreError FAILED_PRECONDITION for a cache that others may share, DATA_LOSS when a listing cannot be had
   */
  garbage(options: GarbageOptions): Promise<CollectedGarbage>;
  /** The versions of one tracked path in git's history, newest first. */
  log(path: string, limit: number): Promise<readonly RecordedVersion[]>;
  remotes(): readonly Remote[];
  addRemote(remote: Omit<NewRemote, 'folder'>): Remote;
  removeRemote(name: string): void;
}

/**
 * @param folder absolute; the workspace is the nearest `.dvc` folder's from here upwards
 * @param s3 how buckets are reached, for remotes in them
 */
export function openWorkspace(folder: string, { s3 }: { readonly s3?: S3Access } = {}): Workspace {
  const root = (): string => {
    const found = findRoot(folder);
    if (found !== undefined) return found;
    throw new GyreError('FAILED_PRECONDITION', `no data is tracked in ${folder} yet: "gyre data add PATH" begins`, { folder });
  };
  const absolute = (paths: readonly string[]): string[] => paths.map((path) => resolve(folder, path));
  const open = (name: string | undefined): Promise<RemoteObjects> => openRemote(root(), remoteNamed(root(), name), s3);
  /** The default remote, opened when something is missing here, and at most once. */
  const defaultRemote = (): { readonly remote?: Behind } & AsyncDisposable => {
    const found = remotesOf(root()).find(({ isDefault }) => isDefault);
    const opened = new AsyncDisposableStack();
    let remote: Promise<RemoteObjects> | undefined;
    const openOnce = (): Promise<RemoteObjects> => (remote ??= open(found?.name).then((each) => opened.use(each)));
    const { folder: at } = found ?? {};
    return {
      ...(found === undefined ? {} : { remote: { open: openOnce, ...(at === undefined ? {} : { folder: at }) } }),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  };
  return {
    get root() {
      return findRoot(folder);
    },
    tracked: () => chosenPaths(root(), []),
    add: async (paths, options) => {
      const at = findRoot(folder) ?? initRoot(folder);
      return inSession(at, options, (session) => addPaths(session, absolute(paths), options));
    },
    status: async (paths, options) => {
      const chosen = chosenPaths(root(), absolute(paths));
      return inSession(root(), { ...options, lock: false }, (session) => statusOf(session, chosen, options));
    },
    diff: async (request, options) => {
      await using behind = defaultRemote();
      return await inSession(root(), { ...options, lock: false }, (session) => diffOf(session, request, behind.remote?.open, options));
    },
    remoteStatus: async (paths, options) => {
      await using remote = await open(options.remote);
      const chosen = chosenPaths(root(), absolute(paths));
      return await inSession(root(), { ...options, lock: false }, (session) => remoteStatusOf(session, chosen, remote));
    },
    checkout: async (paths, options) => {
      await using behind = defaultRemote();
      const done = await inSession(root(), options, (session) =>
        checkoutFrom(session, chosenPaths(root(), absolute(paths)), behind.remote, options),
      );
      requireNothingFailed(done, 'Everything else is checked out');
      return done;
    },
    push: async (paths, options) => {
      await using remote = await open(options.remote);
      return await inSession(root(), options, (session) => pushTo(session, chosenPaths(root(), absolute(paths)), remote, options));
    },
    pull: async (paths, options) => {
      await using remote = await open(options.remote);
      const done = await inSession(root(), options, (session) => pullFrom(session, chosenPaths(root(), absolute(paths)), remote, options));
      requireNothingFailed(done, 'Everything else is there; push these from where they were added');
      return done;
    },
    garbage: async (options) => {
      await using behind = defaultRemote();
      return await inSession(root(), options, (session) => collectGarbage(session, behind.remote?.open, options));
    },
    log: async (path, limit) => historyOf(root(), chosenPaths(root(), absolute([path]))[0], limit),
    remotes: () => remotesOf(root()),
    addRemote: (remote) => addRemote(findRoot(folder) ?? initRoot(folder), { ...remote, folder }),
    removeRemote: (name) => removeRemote(root(), name),
  };
}
