import type { BlobStore } from '#blobs';
import type { Actor, GarbageSweep } from '#contract';
import type { Clock, NewId } from '#core';
import type { Events } from '#events';
import type { Store } from '#store';
import type { Evaluation } from '#evaluation';
import type { Registry } from '#registry';
import type { Training } from '#training';
import type { ServedWorkspace } from '#workspace';

export interface GarbageDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Pick<Events, 'publish'>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly training: Pick<Training, 'retention' | 'artifacts'>;
  readonly registry: Pick<Registry, 'byRun' | 'byLoggedModel'>;
  readonly evaluation: Pick<Evaluation, 'listReports'>;
  /** The cache of the project's workspace. */
  readonly workspace: Pick<ServedWorkspace, 'garbage'>;
}

export interface SweepRequest {
  readonly what: GarbageSweep['what'];
  /** False: a dry run. */
  readonly apply: boolean;
  /** What was stored within this time stays, referred to or not: work under way stores its bytes before its records. At least an hour; default a day. Of `runs`: what was deleted within this time stays; default 30 days, also none. */
  readonly graceMs?: number;
  readonly by: Actor;
}

/**
 * Garbage collection: of blobs by one reachability walk over the records of all rooms; of the workspace's cache by what `.dvc` files, git and
 * recorded dataset versions name; of runs, logged models and experiments by when they were deleted and by who needs them.
 */
export interface Garbage extends AsyncDisposable {
  /**
   * Begins a sweep; `get` and `wait` tell how it goes.
   * @throws GyreError INVALID_ARGUMENT for a grace period under an hour, ABORTED while another sweep runs
   */
  start(request: SweepRequest): Promise<GarbageSweep>;
  /** One of the last sweeps of this process. @throws GyreError NOT_FOUND */
  get(id: string): GarbageSweep;
  /** The last sweeps of this process, newest first. */
  list(): readonly GarbageSweep[];
  /** Resolves when it has ended. @throws GyreError NOT_FOUND */
  wait(id: string): Promise<GarbageSweep>;
  /** Stops it between two deletions; what is deleted stays so. @throws GyreError NOT_FOUND */
  cancel(id: string): Promise<GarbageSweep>;
}
