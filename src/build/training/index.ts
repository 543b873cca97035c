export type {
  ExecuteOptions,
  Execution,
  HistoryQuery,
  NewMetric,
  RunQuery,
  StartRun,
  TrainStudy,
  TrainedModel,
  Training,
  TrainingDeps,
  VersionSource,
} from './port.ts';
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
  Point,
  SearchExperiments,
  SearchRuns,
  TrackedDataset,
  TrackedExperiment,
  TrackedRun,
  TrackedRunInfo,
  Tracking,
} from './tracking/port.ts';
export { artifactRootOf, ownRunId, publicRunId } from './tracking/words.ts';
