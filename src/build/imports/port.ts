import type { Actor, RecordImport, StartImport } from '#contract';
import type { Clock, NewId } from '#core';
import type { Registry } from '#registry';
import type { Store } from '#store';
import type { Training } from '#training';

type Tracking = Training['tracking'];
type LoggedModels = Training['loggedModels'];

/** What the room needs of `#training`: experiments, runs and logged models as clients outside Gyre log them. */
export type TrackingTarget = Pick<
  Tracking,
  | 'createExperiment'
  | 'getExperiment'
  | 'experimentNamed'
  | 'tagExperiment'
  | 'deleteExperiment'
  | 'restoreExperiment'
  | 'createRun'
  | 'getRun'
  | 'updateRun'
  | 'deleteRun'
  | 'restoreRun'
  | 'logBatch'
  | 'logDatasets'
>;

export type ModelsTarget = Pick<LoggedModels, 'create' | 'get' | 'setStatus' | 'delete' | 'logParameters' | 'setTags' | 'link'>;

export type RegistryTarget = Pick<
  Registry,
  'createModel' | 'getModel' | 'setModelTags' | 'registerVersion' | 'setAlias' | 'moveToStage' | 'deleteVersion'
>;

/** Where files of runs and models go: one tree of paths. */
export type ArtifactTarget = Pick<Training['artifacts'], 'put' | 'stat'>;

export interface ImportsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly tracking: TrackingTarget;
  readonly loggedModels: ModelsTarget;
  readonly artifacts: ArtifactTarget;
  readonly registry: RegistryTarget;
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
