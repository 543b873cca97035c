export { openPipelines } from './pipelines.ts';
export type {
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
export { pipelinesMigrations } from './migrations/index.ts';
