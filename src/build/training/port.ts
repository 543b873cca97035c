import type { Grants } from '#access';
import type { BlobStore } from '#blobs';
import type { Clock, NewId, RandomBytes } from '#core';
import type {
  Actor,
  ArtifactFile,
  CodeVersion,
  DatasetVersion,
  Environment,
  EventTypes,
  Experiment,
  MetricPoint,
  Parameters,
  Run,
  SearchSpec,
  Study,
  Transform,
} from '#contract';
import type { Events } from '#events';
import type { Features, RowsSource, WeightedVersion } from '#features';
import type { Contributions, LearnerName, Model } from '#learners';
import type { MetricName } from '#stats';
import type { Store } from '#store';
import type { Frame } from '#tables';
import type { ArtifactTree } from './artifacts/port.ts';
import type { RunComments } from './comments/port.ts';
import type { LoggedModels } from './logged-models/port.ts';
import type { Retention } from './retention/port.ts';
import type { Reports, SavedViews } from './shared/port.ts';
import type { Tracking } from './tracking/port.ts';

/** What the room needs of `#data`. */
export interface VersionSource extends RowsSource {
  /** @throws GyreError NOT_FOUND */
  get(version: string): Promise<Pick<DatasetVersion, 'dataset' | 'part'>>;
}

export interface TrainingDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  /** For what must not be guessed. */
  readonly randomBytes: RandomBytes;
  readonly data: VersionSource;
  readonly features: Features;
  /** Who may do what on experiments. Absent: roles alone decide. */
  readonly grants?: Pick<Grants, 'own' | 'deleted'>;
}

export interface StartRun {
  /** By name; made when there is none. Default `Default`. */
  readonly experiment?: string;
  readonly name?: string;
  readonly trainer?: string;
  readonly study?: string;
  readonly trial?: number;
  readonly parameters?: Parameters;
  readonly tags?: Readonly<Record<string, string>>;
  readonly seed?: number;
  readonly inputs?: Run['inputs'];
  readonly code: CodeVersion;
  readonly environment: Environment;
  readonly by: Actor;
}

/** A value of a metric; without a timestamp it is now, without a step 0. */
export interface NewMetric {
  readonly key: string;
  readonly value: number;
  readonly step?: number;
  /** UTC milliseconds. */
  readonly timestamp?: number;
}

export interface RunQuery {
  /** The experiment's name or id. */
  readonly experiment?: string;
  readonly study?: string;
  readonly status?: Run['status'];
  /** Default 50, at most 1000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface HistoryQuery {
  /** Default 1000, at most 25000. */
  readonly limit?: number;
  readonly after?: string;
}

export interface TrainStudy {
  readonly name: string;
  readonly experiment?: string;
  readonly trainer: LearnerName;
  /** Values that all trials share; the search's override them. */
  readonly params?: Parameters;
  /** Without a search the study is one trial. */
  readonly search?: SearchSpec;
  /** What the best trial is chosen by, on the validation part. Default: `roc_auc` (binary), `log_loss` (multiclass), `rmse` (regression). */
  readonly metric?: MetricName;
  readonly seed: number;
  /** Digest or id. */
  readonly transform: string;
  /** The very versions that the transform was fitted on; default: those. */
  readonly train?: readonly WeightedVersion[];
  /** Version whose rows stop the training early and choose the best trial. */
  readonly validation: string;
  readonly code: CodeVersion;
  readonly environment: Environment;
  /** Worker threads of a trainer; the bytes of a model do not depend on it. Default 1. */
  readonly workers?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly by: Actor;
  readonly signal?: AbortSignal;
  /** Told what the trainers say while they work, a line at a time. */
  readonly onLine?: (line: string) => void;
  readonly onTrial?: (trial: { readonly run: Run; readonly trial: number; readonly trials: number; readonly value: number }) => void;
}

/** What is different in a clone of a run. */
export interface RunChanges {
  readonly parameters?: Parameters;
  /** Default: the run's own. */
  readonly seed?: number;
  readonly name?: string;
}

/** A clone as it will be trained: all parameters of its trainer. */
export interface ClonePlan {
  readonly name: string;
  readonly trainer: LearnerName;
  readonly parameters: Readonly<Record<string, number>>;
  readonly seed: number;
}

export interface CloneRun extends RunChanges, Pick<TrainStudy, 'code' | 'environment' | 'workers' | 'tags' | 'by' | 'signal' | 'onLine'> {
  /** The run that is cloned. */
  readonly run: string;
}

/** A run's model with the transform that it belongs to. */
export interface TrainedModel {
  readonly run: Run;
  readonly trainer: LearnerName;
  readonly model: Model;
  readonly transform: Transform;
  readonly classes: readonly string[];
  /** The whole model: raw columns in, label and probabilities (or prediction) out. */
  readonly onnx: Uint8Array;
  /** The trainer's own scores: P(class 1) per row for binary, [rows][classes] flat for multiclass, predictions for regression. As `#stats` takes them. */
  predict(frame: Frame): Promise<Float64Array>;
  /** The trainer's own probabilities [rows][classes], flat (classification), or predictions [rows] (regression). */
  probabilities(frame: Frame): Promise<Float64Array>;
  /** What each feature adds to each row's margin; sums to the margin within 1e-6. */
  contributions(frame: Frame): Promise<Contributions & { readonly features: readonly string[]; readonly margins: Float64Array }>;
}

export interface ExecuteOptions {
  readonly workers?: number;
  /** Where dataset versions are read from instead; a change of their rows shows in the result. */
  readonly data?: RowsSource;
  readonly signal?: AbortSignal;
}

/** What came out when a run's training was executed again. */
export interface Execution {
  readonly onnx: Uint8Array;
  /** SHA-256 of `onnx`. */
  readonly digest: string;
  /** What the transform, fitted again, came out as; equal to the run's unless the data changed. */
  readonly transform: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly durationMs: number;
}

/** Experiments, runs and studies; trainers that leave runs behind. */
export interface Training {
  /** The same experiments and runs, as clients outside Gyre log and search them. */
  readonly tracking: Tracking;
  readonly loggedModels: LoggedModels;
  readonly comments: RunComments;

  /** An experiment of this name, made when there is none. */
  ensureExperiment(name: string): Promise<Experiment>;
  /** In the order of their ids. */
  experiments(): Promise<readonly Experiment[]>;

  startRun(request: StartRun): Promise<Run>;
  /** @throws GyreError NOT_FOUND; FAILED_PRECONDITION when the run has ended; INVALID_ARGUMENT for a value that is not finite */
  logMetrics(run: string, metrics: readonly NewMetric[]): Promise<void>;
  /** @throws GyreError ALREADY_EXISTS when a parameter has another value: parameters do not change */
  logParameters(run: string, parameters: Parameters): Promise<void>;
  setTags(run: string, tags: Readonly<Record<string, string>>): Promise<void>;
  logArtifact(run: string, path: string, bytes: Uint8Array): Promise<ArtifactFile>;
  /** @throws GyreError NOT_FOUND */
  readArtifact(run: string, path: string): Promise<Uint8Array>;
  /** The changes beside its commit that a run was made with, as `git apply` takes them. @throws GyreError NOT_FOUND when none were recorded */
  readPatch(run: string): Promise<Uint8Array>;
  /** A file that a run left; undefined when it has none of this path. @throws GyreError NOT_FOUND when there is no such run */
  findArtifact(run: string, path: string): Promise<ArtifactFile | undefined>;
  /**
   * Where a run's files stand in the tree of artifacts.
   * @param run its id, or that in 32 hex digits
   * @throws GyreError NOT_FOUND; FAILED_PRECONDITION when the experiment's clients put them into another storage
   */
  artifactFolder(run: string): Promise<string>;
  /** The address that clients know a run's files by, wherever they are. @throws GyreError NOT_FOUND */
  artifactAddress(run: string): Promise<string>;
  /** The files that runs and logged models left. */
  readonly artifacts: ArtifactTree;
  readonly views: SavedViews;
  readonly reports: Reports;
  /** What was deleted, and how it goes for good. */
  readonly retention: Retention;
  finishRun(run: string, by: Actor): Promise<Run>;
  failRun(run: string, error: string, by: Actor, status?: 'FAILED' | 'KILLED'): Promise<Run>;
  /** @throws GyreError NOT_FOUND */
  getRun(run: string): Promise<Run>;
  /** Newest first. */
  listRuns(query?: RunQuery): Promise<{ readonly items: readonly Run[]; readonly next?: string }>;
  /** Every value of a metric in the order of steps. */
  metricHistory(
    run: string,
    key: string,
    query?: HistoryQuery,
  ): Promise<{ readonly items: readonly MetricPoint[]; readonly next?: string }>;

  /**
   * Trains trial after trial, each one a run with its model, and names the best by the validation metric (ties: the earlier trial).
   * Trial k is the same whatever ran before it. A trial that fails leaves a failed run; the study goes on.
   * @throws GyreError INVALID_ARGUMENT for unknown parameters or a metric of another task; FAILED_PRECONDITION when every trial failed;
   * CANCELLED when the signal aborts
   */
  trainStudy(request: TrainStudy): Promise<{ readonly study: Study; readonly best: Run }>;
  /** @throws GyreError NOT_FOUND */
  getStudy(study: string): Promise<Study>;
  /** Newest first. */
  listStudies(query?: {
    readonly limit?: number;
    readonly after?: string;
  }): Promise<{ readonly items: readonly Study[]; readonly next?: string }>;

  /** The model that a run of a study made. @throws GyreError NOT_FOUND; FAILED_PRECONDITION when the run has no model of ours */
  readModel(run: string): Promise<TrainedModel>;
  /**
   * Ends the runs of trainers that a process which is gone left open, as KILLED. For the owner of the store, when it starts.
   * @returns how many
   */
  endAbandoned(by: Actor): Promise<number>;

  /** From now on sums up the long metrics of each run that ends, so that figures of it are quick from the first look on; until it is disposed. */
  outlineEnded(): Promise<AsyncDisposable>;
  /**
   * What a clone of a run with these changes would be.
   * @throws GyreError NOT_FOUND; FAILED_PRECONDITION for a run that no trainer of ours made; INVALID_ARGUMENT for parameters that its trainer
   * does not have, or values out of range
   */
  clonePlan(run: string, changes: RunChanges): Promise<ClonePlan>;
  /**
   * Trains a run once more on the same data versions, with changes: a run of its own, in the same experiment, that names the first one in the
   * tag `gyre.cloned_from`.
   * @throws GyreError as `clonePlan`; CANCELLED
   */
  cloneRun(request: CloneRun): Promise<Run>;

  /** Trains a study's run again from its records alone: dataset versions, specification, parameters, seed. Writes no record. */
  execute(run: string, options?: ExecuteOptions): Promise<Execution>;
}
