export { openEvaluation } from './evaluation.ts';
export { evaluationMigrations } from './migrations/index.ts';
export { graphScores } from './graph-scores.ts';
export type { BroughtGraph, ModelSource, ScoringModel } from './scoring-model.ts';
export type { CompareRequest, Evaluation, EvaluationDeps, ExplainRequest, JudgeRequest, ReportQuery } from './port.ts';
export { toHtml } from './document/to-html.ts';
export { toMarkdown } from './document/to-markdown.ts';
export type { Block, Document } from './document/blocks.ts';
export {
  comparisonBlocks,
  fairnessBlocks,
  gateBlocks,
  importanceBlocks,
  metricBlocks,
  partBlocks,
  validationSetBlocks,
  sliceBlocks,
  warningBlocks,
} from './report-page/report-blocks.ts';
export { evaluationBlobHolders } from './blob-holders.ts';
