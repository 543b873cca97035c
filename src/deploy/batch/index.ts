export { openBatches } from './batches.ts';
export type { Batches, BatchesDeps, BatchList, StartBatch } from './batches.ts';
export { openBatchSchedules } from './batch-schedules.ts';
export type { BatchScheduleDefinition, BatchSchedules, BatchSchedulesDeps } from './batch-schedules.ts';
export { fillRequest } from './placeholders.ts';
export { batchMigrations } from './migrations/index.ts';
export { predictBatch } from './predict.ts';
export { localModel } from './local-model.ts';
export { inputFromText, targetFromText, usualWork } from './addresses.ts';
export type {
  BatchChoices,
  BatchFailure,
  BatchInput,
  BatchModel,
  BatchProgress,
  BatchRequest,
  BatchResult,
  BatchTarget,
  ExistingOutput,
  PredictDeps,
} from './port.ts';
