export type {
  CloneRun,
  ClonePlan,
  ExecuteOptions,
  Execution,
  HistoryQuery,
  NewMetric,
  RunChanges,
  RunQuery,
  StartRun,
  TrainStudy,
  TrainedModel,
  Training,
  TrainingDeps,
  VersionSource,
} from './port.ts';
export type { ArtifactPage, ArtifactQuery, ArtifactTree, ArtifactUploads } from './artifacts/port.ts';
export type { DeletedRecord, Retention } from './retention/port.ts';
export { ownPathOf, requireArtifactPath } from './artifacts/paths.ts';
export type { Reports, SavedViews } from './shared/port.ts';
export { openTraining } from './training.ts';
export { trainingMigrations } from './migrations/index.ts';
export { trainingBlobHolders } from './blob-holders.ts';
export type {
  CreateTrackedRun,
  DatasetInput,
  KeyValue,
  Lifecycle,
  LifecycleView,
  LogBatch,
  LoggedPoint,
  ModelDataset,
  Point,
  SearchExperiments,
  SearchRuns,
  TrackedDataset,
  TrackedExperiment,
  TrackedRun,
  TrackedRunInfo,
  Tracking,
} from './tracking/port.ts';
export type { LoggedModel, LoggedModelStatus, ModelPoint } from './logged-models/port.ts';
export { loggedModelStatuses } from './logged-models/port.ts';
export { modelArtifactsOf } from './logged-models/words.ts';
export { artifactRootOf, ownRunId, publicRunId } from './tracking/words.ts';
export type { RunRowView, RunSelection } from './tracking/table-port.ts';
export { clonedFromTag } from './clone-run.ts';
