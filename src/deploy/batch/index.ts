export { predictBatch } from './predict.ts';
export { localModel } from './local-model.ts';
export { existingOutputs } from './port.ts';
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
