import type { Actor, RecordImport, StartImport } from '#contract';
import type { Clock, NewId } from '#core';
import type { Store } from '#store';
import type { KeyValue, SourceDataset, SourcePoint, SourceStatus } from './source.ts';

/** What the room needs of `#training`: experiments and runs as clients outside Gyre log them. */
export interface TrackingTarget {
  createExperiment(request: {
    readonly name: string;
    readonly id?: string;
    readonly tags?: readonly KeyValue[];
    readonly by: Actor;
  }): Promise<{ readonly id: string }>;
  /** @throws GyreError NOT_FOUND */
  getExperiment(id: string): Promise<{ readonly id: string; readonly lifecycle: 'active' | 'deleted' }>;
  experimentNamed(name: string): Promise<{ readonly id: string; readonly lifecycle: 'active' | 'deleted' } | undefined>;
  tagExperiment(id: string, tags: Readonly<Record<string, string | null>>): Promise<void>;
  deleteExperiment(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  restoreExperiment(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  /** @throws GyreError ALREADY_EXISTS for an id in use */
  createRun(request: {
    readonly experiment: string;
    readonly id?: string;
    readonly name?: string;
    readonly user?: string;
    readonly startedAt?: number;
    readonly tags?: readonly KeyValue[];
    readonly by: Actor;
  }): Promise<{ readonly id: string }>;
  getRun(id: string): Promise<{ readonly experiment: string; readonly lifecycle: 'active' | 'deleted' }>;
  updateRun(request: {
    readonly id: string;
    readonly status?: SourceStatus;
    readonly endedAt?: number;
    readonly by: Actor;
  }): Promise<unknown>;
  deleteRun(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  restoreRun(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  logBatch(
    run: string,
    batch: { readonly metrics?: readonly SourcePoint[]; readonly parameters?: readonly KeyValue[]; readonly tags?: readonly KeyValue[] },
  ): Promise<void>;
  logDatasets(
    run: string,
    inputs: readonly { readonly dataset: Omit<SourceDataset, 'tags'>; readonly tags: readonly KeyValue[] }[],
  ): Promise<void>;
}

/** Where files of runs and models go: one tree of paths. */
export interface ArtifactTarget {
  put(path: string, bytes: AsyncIterable<Uint8Array>): Promise<unknown>;
  stat(path: string): Promise<{ readonly size?: number } | undefined>;
}

export interface ImportsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly tracking: TrackingTarget;
  /** Absent: files are counted as refused. */
  readonly artifacts?: ArtifactTarget;
}

export interface BeginImport extends StartImport {
  readonly by: Actor;
}

/** Records of other tools, brought into Gyre: complete, counted, and again without doubling anything. */
export interface Imports extends AsyncDisposable {
  /**
   * Begins an import; it goes on in the background. Begun again after an end of any kind, it reads what was not brought in whole.
   * @throws GyreError ABORTED when this source is being imported right now; NOT_FOUND, FAILED_PRECONDITION, UNAVAILABLE for a source that
   * cannot be read
   */
  start(request: BeginImport): Promise<RecordImport>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<RecordImport>;
  /** Newest first, at most 100. */
  list(): Promise<readonly RecordImport[]>;
  /** Stops it; what is in stays in. @throws GyreError NOT_FOUND */
  cancel(id: string): Promise<RecordImport>;
  /** Resolves when it has ended. @throws GyreError NOT_FOUND */
  wait(id: string): Promise<RecordImport>;
}
