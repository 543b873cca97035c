export { checkProject, loadProject } from './load.ts';
export type { CheckedProject, LoadOptions } from './load.ts';
export { projectFiles } from './project-source.ts';
export { resolveProject } from './resolve.ts';
export { resolveRoll } from './resolve-roll.ts';
export type {
  LoadedProject,
  ResolvedCommandStep,
  ResolvedDataset,
  ResolvedEnvironment,
  ResolvedImages,
  ResolvedMonitor,
  ResolvedProject,
  ResolvedStep,
  ResolvedTrainStep,
  ResolvedTransformStep,
} from './resolved.ts';
export type { ResolvedJoin, ResolvedJoinSide } from './join.ts';
export { pathText, problemText, projectError } from './problems.ts';
export type { Problem } from './problems.ts';
export { meets, parseDuration, parseGate, parseMonitorThreshold, parseThreshold, thresholdText } from './conditions.ts';
export type { ComparisonOperator, ParsedGate, ParsedMonitorThreshold, ParsedThreshold } from './conditions.ts';
export { columnsOfCondition, parseRowCondition } from './row-condition.ts';
export type { RowCondition, RowOperand } from './row-condition.ts';
export { loadTableSchema, readTableSchema } from './schema-file.ts';
export { defaultPolicyName, readReleasePolicy } from './policy-file.ts';
export type { PolicyFile } from './policy-file.ts';
export { schemaProblems } from './schema-findings.ts';
export { tableSchemaText } from './schema-text.ts';
export type { SchemaTextOptions } from './schema-text.ts';
export type { SchemaFile } from './schema-file.ts';
export { nextInstant } from './schedule.ts';
export { placeholders, requireRepeatable } from './batch-schedule.ts';
export type { ResolvedBatchSchedule } from './batch-schedule.ts';
export type { ResolvedSchedule } from './schedule.ts';
export { resolveReferences } from './references.ts';
export { fileValues, fillTemplate, mayMeet, parseItemPattern } from './item-pattern.ts';
export type { ItemPattern } from './item-pattern.ts';
export { publishedPolicySchema, publishedSchema, publishedTableSchema } from './published-schema.ts';
export { initImageProject } from './init-images.ts';
export { initTrackingProject } from './init-tracking.ts';
export type { InitImagesOptions } from './init-images.ts';
export { initProject } from './init-project.ts';
export type { InitOptions, InitResult } from './init-project.ts';
export type { ColumnCounts, Guess, InferredTable } from './init-guess.ts';
export { openCharter } from './charter.ts';
export type { CharterBook, CharterDeps } from './charter.ts';
export { projectMigrations } from './migrations/index.ts';
export { projectBlobHolders } from './blob-holders.ts';
export { sourceFromText } from './table-source.ts';
export type { ResolvedSource } from './table-source.ts';
export { git, gitEnvironment, gitWords, hasCommit, isCommitName, isTooLong, repositoryOf } from './git.ts';
export type { GitOptions } from './git.ts';
