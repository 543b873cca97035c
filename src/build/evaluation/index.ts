import type { Evaluation, EvaluationDeps } from './port.ts';

export type { CompareRequest, Evaluation, EvaluationDeps, ExplainRequest, JudgeRequest, ReportQuery } from './port.ts';

export declare function openEvaluation(deps: EvaluationDeps): Evaluation;
