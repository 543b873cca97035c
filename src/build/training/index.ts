import type { Training, TrainingDeps } from './port.ts';

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
} from './port.ts';

export declare function openTraining(deps: TrainingDeps): Training;
