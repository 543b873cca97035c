import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, sep } from 'node:path';
import type { Actor, WorkspaceDiff, WorkspaceJob, WorkspaceJobRequest, WorkspaceStatus, WorkspaceVersions, WorkspaceView } from '#contract';
import type { Clock, NewId } from '#core';
import { GyreError, hasCode, isoInstant, messageOf } from '#core';
import type { CollectedGarbage } from './garbage.ts';
import { isFolderObject } from './layout.ts';
import { openWorkspace } from './open-workspace.ts';
import type { Changes, TrackedPath, WorkOptions } from './port.ts';
import type { S3Access } from './remote-objects.ts';
import { relativePath } from './tracked.ts';

const mostShown = 1000;
/** Jobs that are remembered after they ended. */
const mostJobs = 100;

export interface ServedOptions {
  /** Absolute: nothing outside of it is looked at or touched. */
  readonly folder: string;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly s3?: S3Access;
  /** Keeps for the record that a job begins, before it does, or how it ended. A job that cannot be recorded does not begin. */
  readonly record: (job: WorkspaceJob) => Promise<void>;
}

/** The data files of one folder for callers elsewhere: paths are relative to it, and long work goes on in the background. */
export interface ServedWorkspace extends AsyncDisposable {
  view(): WorkspaceView;
  status(signal: AbortSignal): Promise<WorkspaceStatus>;
  /** @throws GyreError INVALID_ARGUMENT for a revision that git does not know, FAILED_PRECONDITION outside of git */
  diff(request: { readonly from?: string; readonly to?: string }, signal: AbortSignal): Promise<WorkspaceDiff>;
  /** @throws GyreError NOT_FOUND when the path is not tracked, PERMISSION_DENIED when it leaves the folder */
  log(path: string, limit: number): Promise<WorkspaceVersions>;
  /** @throws GyreError PERMISSION_DENIED when a path leaves the folder, INVALID_ARGUMENT for an add of nothing */
  start(request: WorkspaceJobRequest & { readonly by: Actor }): Promise<WorkspaceJob>;
  /** Since the platform was started, newest first. */
  jobs(): readonly WorkspaceJob[];
  /** @throws GyreError NOT_FOUND */
  job(id: string): WorkspaceJob;
  /** Asks a job to stop; what is done stays, and the same job goes on from there. @throws GyreError NOT_FOUND */
  cancel(id: string): WorkspaceJob;
  /** See `Workspace.garbage`; undefined where nothing is tracked. */
  garbage(options: {
    readonly apply: boolean;
    readonly graceMs: number;
    readonly signal: AbortSignal;
  }): Promise<CollectedGarbage | undefined>;
  /** Until a job has ended. */
  wait(id: string): Promise<WorkspaceJob>;
}

interface Job {
  record: WorkspaceJob;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

export function openServedWorkspace({ folder, clock, newId, s3, record }: ServedOptions): ServedWorkspace {
  const workspace = openWorkspace(folder, s3 === undefined ? {} : { s3 });
  const jobs = new Map<string, Job>();
  const now = (): string => isoInstant(clock.now());
  const nameOf = ({ absolute }: TrackedPath): string => relativePath(folder, absolute);
  // The workspace may begin above the project's folder: what lies beside that is not this project's.
  const mine = (): TrackedPath[] =>
    workspace.root === undefined ? [] : workspace.tracked().filter(({ absolute }) => absolute.startsWith(`${folder}${sep}`));
  const jobOf = (id: string): Job => {
    const found = jobs.get(id);
    if (found === undefined) throw new GyreError('NOT_FOUND', `there is no job "${id}"`, { id });
    return found;
  };
  const work = async (
    { verb, paths, remote, force = false }: WorkspaceJobRequest,
    options: WorkOptions,
  ): Promise<WorkspaceJob['results']> => {
    const chosen = paths.length > 0 || verb === 'add' ? paths.map((path) => join(folder, path)) : mine().map(({ absolute }) => absolute);
    if (chosen.length === 0) return [];
    const named = { ...options, ...(remote === undefined ? {} : { remote }) };
    if (verb === 'push') {
      const { remote: to, pushed, present, bytes } = await workspace.push(chosen, named);
      return [{ path: to, counts: { pushed, present, bytes } }];
    }
    if (verb === 'add') {
      return (await workspace.add(chosen, options)).map(({ path, files, size, hashed, stored }) => ({
        path,
        counts: { files, bytes: size, read: hashed, stored },
      }));
    }
    const done =
      verb === 'pull' ? await workspace.pull(chosen, { ...named, force }) : await workspace.checkout(chosen, { ...options, force });
    return done.map(({ path, placed, removed, fetched }) => ({ path, counts: { placed, removed, fetched } }));
  };
  return {
    view: () => ({
      tracked: mine().map((tracked) => {
        const { object, files, size } = tracked.out;
        return {
          path: nameOf(tracked),
          isFolder: object !== undefined && isFolderObject(object),
          ...(object === undefined ? {} : { object }),
          ...(files === undefined ? {} : { files }),
          ...(size === undefined ? {} : { size }),
        };
      }),
      remotes: workspace.root === undefined ? [] : workspace.remotes().map(({ name, url, isDefault }) => ({ name, url, isDefault })),
    }),
    status: async (signal) => {
      const chosen = mine().map(({ absolute }) => absolute);
      const found = chosen.length === 0 ? [] : await workspace.status(chosen, { signal });
      return {
        items: found.map(({ tracked, state, files, size, changes, missing }) => ({
          path: nameOf(tracked),
          state,
          files,
          size,
          changes: shown(changes),
          missing: missing.length,
        })),
      };
    },
    diff: async (request, signal) => {
      if (workspace.root === undefined) return { items: [] };
      const { root } = workspace;
      const found = (await workspace.diff(request, { signal })).filter(({ path }) => join(root, path).startsWith(`${folder}${sep}`));
      return {
        items: found.map(({ changes, path, ...rest }) => ({
          ...rest,
          path: relativePath(folder, join(root, path)),
          changes: shown(changes),
        })),
      };
    },
    log: async (path, limit) => {
      const versions = await workspace.log(requireInside(folder, path), limit);
      return {
        items: versions.map(({ tracked, ...rest }) => {
          const { object, files, size } = tracked?.out ?? {};
          return {
            ...rest,
            ...(object === undefined ? {} : { object }),
            ...(files === undefined ? {} : { files }),
            ...(size === undefined ? {} : { size }),
          };
        }),
      };
    },
    start: async ({ by, ...request }) => {
      for (const path of request.paths) requireInside(folder, path);
      if (request.verb === 'add' && request.paths.length === 0)
        throw new GyreError('INVALID_ARGUMENT', 'body.paths: name what is to be added');
      const stopping = new AbortController();
      const id = newId();
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const { verb, paths, remote } = request;
      const job: Job = {
        record: {
          id,
          verb,
          paths,
          ...(remote === undefined ? {} : { remote }),
          by,
          state: 'running',
          waiting: false,
          results: [],
          startedAt: now(),
        },
        stopping,
        ended,
      };
      await record(job.record);
      jobs.set(id, job);
      const options: WorkOptions = {
        signal: stopping.signal,
        onProgress: (progress) => {
          job.record = { ...job.record, progress, waiting: false };
        },
        onWait: () => {
          job.record = { ...job.record, waiting: true };
        },
      };
      void work(request, options)
        .then(
          (results) => ({ state: 'finished' as const, results }),
          (error: unknown) => ({
            state: hasCode(error, 'CANCELLED') ? ('cancelled' as const) : ('failed' as const),
            error: messageOf(error),
          }),
        )
        .then(async (outcome) => {
          const ended: WorkspaceJob = { ...job.record, ...outcome, waiting: false, endedAt: now() };
          const unrecorded = await record(ended).then(
            () => undefined,
            (error: unknown) => ({ error: [ended.error, `its end could not be recorded: ${messageOf(error)}`].filter(Boolean).join('; ') }),
          );
          job.record = { ...ended, ...unrecorded };
          for (const old of [...jobs.keys()].slice(0, Math.max(0, jobs.size - mostJobs)))
            if (jobs.get(old)?.record.state !== 'running') jobs.delete(old);
          end();
        });
      return job.record;
    },
    jobs: () => [...jobs.values()].map(({ record }) => record).toReversed(),
    job: (id) => jobOf(id).record,
    cancel: (id) => {
      const job = jobOf(id);
      job.stopping.abort();
      return job.record;
    },
    garbage: async (options) => (workspace.root === undefined ? undefined : workspace.garbage(options)),
    wait: async (id) => {
      const job = jobOf(id);
      await job.ended;
      return job.record;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { stopping } of jobs.values()) stopping.abort();
      await Promise.all([...jobs.values()].map(({ ended }) => ended));
    },
  };
}

function shown({ added, removed, modified, renamed }: Changes): WorkspaceStatus['items'][number]['changes'] {
  // A file that is tracked by itself has no paths inside.
  const inner = modified.filter((path) => path !== '');
  return {
    added: added.slice(0, mostShown),
    removed: removed.slice(0, mostShown),
    modified: inner.slice(0, mostShown),
    renamed: renamed.slice(0, mostShown),
    count: added.length + removed.length + inner.length + renamed.length,
  };
}

/** @returns the absolute path @throws GyreError PERMISSION_DENIED when a path leaves the folder, by its steps or through a link */
function requireInside(folder: string, path: string): string {
  const absolute = join(folder, path);
  const outside = (): GyreError => new GyreError('PERMISSION_DENIED', `"${path}" is no path inside of the project's folder`, { path });
  if (path.includes('\0') || isAbsolute(path) || !absolute.startsWith(`${folder}${sep}`)) throw outside();
  let parent = dirname(absolute);
  while (!existsSync(parent)) parent = dirname(parent);
  const [real, home] = [realpathSync(parent), realpathSync(folder)];
  if (real !== home && !real.startsWith(`${home}${sep}`)) throw outside();
  return absolute;
}
