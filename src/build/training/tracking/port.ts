import type { Reach } from '#access';
import type { Actor, FilterCondition, Run, SearchOrder } from '#contract';
import type { RunTable } from './table-port.ts';

/*
 * Experiments and runs as clients outside Gyre log them: texts for parameters, numbers that may be none, datasets by name and digest,
 * records that are deleted and restored. Instants are UTC milliseconds.
 */

export type Lifecycle = 'active' | 'deleted';
export type LifecycleView = Lifecycle | 'all';

export interface TrackedExperiment {
  /** `0` is Default. */
  readonly id: string;
  readonly name: string;
  /** Where its clients put artifacts; absent: into Gyre. */
  readonly artifactLocation?: string;
  readonly lifecycle: Lifecycle;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: readonly KeyValue[];
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** A value of a metric; it may be NaN or infinite. */
export interface Point {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  readonly timestamp: number;
}

/** A value as it is logged; one that was measured of a logged model is kept with the model as well. */
export interface LoggedPoint extends Point {
  /** The logged model's id. */
  readonly model?: string;
  readonly dataset?: ModelDataset;
}

/** What a value of a model was measured on. */
export interface ModelDataset {
  readonly name: string;
  /** Absent: of whatever content. */
  readonly digest?: string;
}

/** A logged model that a run made or used. */
export interface RunModel {
  /** Its id. */
  readonly model: string;
  readonly role: 'input' | 'output';
  readonly step: number;
}

export interface TrackedDataset {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema?: string;
  readonly profile?: string;
}

export interface DatasetInput {
  readonly dataset: TrackedDataset;
  readonly tags: readonly KeyValue[];
}

export interface TrackedRun {
  readonly id: string;
  /** The experiment's id. */
  readonly experiment: string;
  /** Where the experiment's clients put artifacts; absent: into Gyre. */
  readonly artifactLocation?: string;
  readonly name: string;
  readonly status: Run['status'];
  readonly lifecycle: Lifecycle;
  readonly user: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly metrics: readonly Point[];
  readonly parameters: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
  readonly datasets: readonly DatasetInput[];
  /** In the order in which they were noted. */
  readonly models: readonly RunModel[];
}

/** What a run is without what was logged to it. */
export type TrackedRunInfo = Omit<TrackedRun, 'metrics' | 'parameters' | 'tags' | 'datasets' | 'models'>;

export interface CreateTrackedRun {
  /** The experiment's id. */
  readonly experiment: string;
  /** Given by who brings runs along; made when absent. */
  readonly id?: string;
  readonly name?: string;
  readonly user?: string;
  /** Default: now. */
  readonly startedAt?: number;
  readonly tags?: readonly KeyValue[];
  readonly by: Actor;
}

export interface LogBatch {
  readonly metrics?: readonly LoggedPoint[];
  readonly parameters?: readonly KeyValue[];
  readonly tags?: readonly KeyValue[];
}

export interface SearchRuns {
  /** Ids of experiments; none: no runs. */
  readonly experiments: readonly string[];
  readonly view: LifecycleView;
  readonly conditions: readonly FilterCondition[];
  readonly order: readonly SearchOrder[];
  /** At least 1. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface SearchExperiments extends Omit<SearchRuns, 'experiments'> {
  /** Which experiments the asker may see, by id; default: all. */
  readonly reach?: Reach;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface SampleHistory {
  readonly runs: readonly string[];
  readonly key: string;
  /** Inclusive. */
  readonly from?: number;
  readonly to?: number;
  /** How many steps, evenly spread, at most. */
  readonly steps: number;
}

/** Experiments and runs, as clients of any language log and search them. */
export interface Tracking extends RunTable {
  /** @throws GyreError ALREADY_EXISTS for a name that an experiment has, also a deleted one; INVALID_ARGUMENT */
  createExperiment(request: {
    readonly name: string;
    readonly id?: string;
    readonly artifactLocation?: string;
    readonly tags?: readonly KeyValue[];
    readonly by: Actor;
  }): Promise<TrackedExperiment>;
  /** @throws GyreError NOT_FOUND */
  getExperiment(id: string): Promise<TrackedExperiment>;
  /** Undefined when there is none of this name. */
  experimentNamed(name: string): Promise<TrackedExperiment | undefined>;
  /** @throws GyreError NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION when it is deleted */
  renameExperiment(request: { readonly id: string; readonly name: string; readonly by: Actor }): Promise<void>;
  /** Deletes it with its runs; all can be restored. @throws GyreError NOT_FOUND, FAILED_PRECONDITION for Default */
  deleteExperiment(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  /** @throws GyreError NOT_FOUND, FAILED_PRECONDITION when it is not deleted */
  restoreExperiment(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  /** Sets tags of an active experiment; a value of null removes one. @throws GyreError NOT_FOUND, FAILED_PRECONDITION */
  tagExperiment(id: string, tags: Readonly<Record<string, string | null>>): Promise<void>;
  searchExperiments(query: SearchExperiments): Promise<Page<TrackedExperiment>>;

  /** @throws GyreError NOT_FOUND, FAILED_PRECONDITION when the experiment is deleted, ALREADY_EXISTS for an id in use */
  createRun(request: CreateTrackedRun): Promise<TrackedRun>;
  /** @throws GyreError NOT_FOUND */
  getRun(id: string): Promise<TrackedRun>;
  /** The id of the experiment that a run belongs to; undefined when there is no such run. */
  experimentOfRun(id: string): Promise<string | undefined>;
  /** The ids of the experiments that runs belong to, by the runs' ids; those that are not there are left out. */
  experimentsOfRuns(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** @throws GyreError NOT_FOUND, FAILED_PRECONDITION when it is deleted */
  updateRun(request: {
    readonly id: string;
    readonly status?: Run['status'];
    readonly endedAt?: number;
    readonly name?: string;
    readonly by: Actor;
  }): Promise<TrackedRunInfo>;
  /** @throws GyreError NOT_FOUND */
  deleteRun(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  /** @throws GyreError NOT_FOUND */
  restoreRun(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  /**
   * Logs all or nothing; a point that is there already is the same point.
   * @throws GyreError NOT_FOUND, also for a logged model that a point names; FAILED_PRECONDITION when the run is deleted, or a parameter has
   * another value already
   */
  logBatch(run: string, batch: LogBatch): Promise<void>;
  /** @throws GyreError NOT_FOUND when the run has no such tag; FAILED_PRECONDITION when it is deleted */
  deleteTag(run: string, key: string): Promise<void>;
  /** @throws GyreError NOT_FOUND, FAILED_PRECONDITION when the run is deleted */
  logDatasets(run: string, inputs: readonly DatasetInput[]): Promise<void>;
  searchRuns(query: SearchRuns): Promise<Page<TrackedRun>>;
  /** Datasets that runs of these experiments used, with the context of their use; newest first, at most 1,000. */
  datasetsOf(
    experiments: readonly string[],
  ): Promise<readonly { readonly experiment: string; readonly name: string; readonly digest: string; readonly context?: string }[]>;

  /** A metric's values in the order of time, step and value. @throws GyreError NOT_FOUND */
  history(run: string, key: string, page?: { readonly limit?: number; readonly after?: string }): Promise<Page<Point>>;
  /** Values of many runs, each in the order of time, step and value, at most `limit` in all. */
  histories(runs: readonly string[], key: string, limit: number): Promise<readonly (Point & { readonly run: string })[]>;
  /** Values at steps that are spread evenly, the same for all runs, with the first and last of each run. */
  sample(query: SampleHistory): Promise<readonly (Point & { readonly run: string })[]>;
}
