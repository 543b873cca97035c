export { openPipelines } from './pipelines.ts';
export { processItems } from './items/process-items.ts';
export type { ItemsOutcome, ItemsRequest, ItemToProcess, StagedOutputs } from './items/process-items.ts';
export type { BatchOutcome } from './items/item-pool.ts';
export type {
  ItemListOptions,
  JsonObject,
  JsonValue,
  ListOptions,
  PipelineSignal,
  Pipelines,
  PipelinesOptions,
  StepContext,
  StepHandler,
  StepPlan,
  StepResult,
  Submission,
} from './port.ts';
export { openSchedules } from './schedules/schedules.ts';
export { openTimetable } from './schedules/timetable.ts';
export type {
  Due,
  DueRun,
  ScheduleChange,
  Scheduled,
  ScheduleDefinition,
  Schedules,
  SchedulesDeps,
  Timed,
  TimedRun,
  TimedState,
  Timetable,
  TimetableDeps,
} from './schedules/port.ts';
export { pipelinesMigrations } from './migrations/index.ts';
export { pipelinesBlobHolders } from './blob-holders.ts';
