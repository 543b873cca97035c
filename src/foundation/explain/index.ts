import type { Explainer } from './explainer.ts';
import type { ModelParts } from './request.ts';

/** Opens a model for explanations on this thread; what they need is loaded when the first is asked for. See `Explainer`. */
export async function openExplainer(parts: ModelParts): Promise<Explainer> {
  // A server that only hands requests to the lane does not load the learners for it.
  const explainer = await import('./explainer.ts');
  return explainer.openExplainer(parts);
}

export type { Explainer } from './explainer.ts';
export type { ExplainAnswerParts } from './exact.ts';
export type { Background, ExplainJob, ModelParts, Patience } from './request.ts';
export { splitRows } from './split-rows.ts';
export { ExplainLane } from './lane.ts';
export type { ExplainLaneOptions, LaneJob } from './lane.ts';
