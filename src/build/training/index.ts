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
