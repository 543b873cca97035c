export {
  Actor,
  AliasName,
  Check,
  Digest,
  Duration,
  Id,
  Instant,
  Interval,
  Measured,
  ModelName,
  Name,
  oneOf,
  page,
  strict,
} from './common.ts';
export { Backup, BackupId, BackupList } from './backup.ts';
export { AnswerTotals, latencyBuckets } from './answer-totals.ts';
export { EndpointState, ModelFigures, PlaneFigures, RefusalFigures, ShadowFigures, TrafficFigures } from './endpoint.ts';
export { ExecutionSpec } from './execution.ts';
export { ChainStep, LocalRoute, ManifestRoute, ModelRef } from './route.ts';
export { Problem } from './problem.ts';
export {
  DefaultLevel,
  Grant,
  GrantInput,
  GrantLevel,
  GuardedKind,
  GuardedRecord,
  Identity,
  IdentityInput,
  IssuedToken,
  Permission,
  Role,
  Team,
  TeamGrant,
  TeamGrantInput,
  TeamInput,
  TeamMember,
  Token,
  defaultLevels,
  grantLevels,
  guardedKinds,
  permissions,
  roles,
} from './access.ts';
export { ColumnProfile, DatasetFile, DatasetManifest, DatasetProfile, DatasetVersion, HistogramBin, datasetFormats } from './dataset.ts';
export {
  Split,
  SplitBorders,
  SplitColumn,
  SplitComparison,
  SplitPart,
  SplitReport,
  SplitSpec,
  SplitStrategy,
  ValidationSet,
  ValidationSetSpec,
  splitStrategies,
} from './split.ts';
export { CharterConfirmation, CharterDocuments, Feasibility } from './charter.ts';
export { DatasetImage, DatasetImages, thumbnailSizes } from './image.ts';
export type { ThumbnailSize } from './image.ts';
export { ImageSource, imageColumns } from './image-source.ts';
export { FilesSource, VersionFile, VersionFiles, fileColumns } from './files-source.ts';
export { DatasetSummary } from './dataset-summary.ts';
export { CodeChanges, ModelGraph, RunLogLines } from './run-evidence.ts';
export { CommentText, Mention, RunComment } from './run-comment.ts';
export { CheckoutData, CheckoutEnvironment, RunCheckout, RunClone, RunCloneRequest, SourceCode } from './run-checkout.ts';
export { DialectSpec, QuerySource, TimestampOrder } from './table-source.ts';
export { ModelConversion, VersionConversion, bareModelFile, conversionStages, isConvertible, tensorFromWords } from './conversion.ts';
export type { ConvertedTensor } from './conversion.ts';
export { BatchPrediction, BatchRequestBody, batchStates, existingOutputs } from './batch.ts';
export { BatchSchedule, BatchScheduleBody, BatchScheduleSpec } from './batch-schedule.ts';
export { cronOf, cronWords, recurrenceOf, rhythms, weekdays } from './cron-words.ts';
export type { Recurrence, Rhythm } from './cron-words.ts';
export { StreamFigures, StreamPrediction, StreamRequestBody, streamStates } from './streams.ts';
export { CsvDialect, DatasetIngestion, ImageCounts, IngestionProgress, ingestionOutcomes, sourceKinds } from './ingestion.ts';
export type { SourceKind } from './ingestion.ts';
export {
  CellChange,
  ChangedRow,
  ColumnComparison,
  ColumnDifference,
  ComparedRow,
  DatasetComparison,
  RowChanges,
} from './dataset-comparison.ts';
export {
  SchemaComparison,
  SchemaDifference,
  SchemaFormat,
  SchemaImport,
  SchemaInference,
  SchemaInForce,
  schemaFormats,
} from './schema-review.ts';
export { CheckLimits, ColumnRule, ColumnSchema, ColumnType, TableSchema, columnTypes } from './table-schema.ts';
export {
  FailingExample,
  QualityCheck,
  QualityOutcome,
  QualityReport,
  QualitySpec,
  QualityTrend,
  QualityMark,
  QualityTrendPoint,
  Quarantine,
  qualityCharacteristics,
} from './quality.ts';
export {
  Charter,
  CharterVersion,
  ColumnTransforms,
  CommandStep,
  DatasetSpec,
  MonitorSpec,
  Project,
  ReleaseSpec,
  RetrainSpec,
  SearchAxis,
  SearchSpec,
  PythonServing,
  ServeSpec,
  StepSpec,
  TestSpec,
  Threshold,
  TrainStep,
  ImageTransform,
  TransformStep,
} from './project.ts';
export { EnvironmentSpec } from './environment-spec.ts';
export { CiCheck, CiMetric, CiReport, CiRequest, CiRun, CiSpec, ciParts, ciStates } from './ci.ts';
export type { CiPart } from './ci.ts';
export { MachineRequirements } from './requirements.ts';
export {
  Agent,
  AgentChange,
  AgentDetail,
  AgentReport,
  DesiredAnswer,
  DesiredState,
  EnrolledAgent,
  Enrolment,
  SignedDesiredState,
  agentStates,
} from './agent.ts';
export type { AgentStateWord } from './agent.ts';
export { Rollout, RolloutAnalysis, RolloutCheck, RolloutPlan, RolloutStep, rolloutStates } from './rollout.ts';
export { RollSpec } from './rollout-spec.ts';
export { BlobStorage } from './blob-storage.ts';
export { ImportCount, RecordImport, StartImport, importKinds, importStates, importedRecords } from './import.ts';
export type { ImportedRecord } from './import.ts';
export { GarbageItem, GarbageSweep, garbageKinds } from './garbage.ts';
export { LfsLock, LfsRepository } from './lfs.ts';
export { VideoCounts, VideoEvent, VideoFrame } from './video.ts';
export { ImageInput, InputColumn, Task, Transform, tasks } from './features.ts';
export {
  ArtifactEntry,
  ArtifactFile,
  CodeVersion,
  Environment,
  Experiment,
  MetricPoint,
  Parameters,
  Run,
  Study,
  runStatuses,
} from './run.ts';
export {
  Comparison,
  CurvePoint,
  Explanation,
  Fairness,
  Importance,
  MetricValue,
  Slice,
  TestReport,
  ValidationResult,
} from './test-report.ts';
export { Mail, MailAddress, MailAddressInput, MailTopic, mailTopics } from './mail.ts';
export { compareMetrics, compareVersions } from './version-comparison.ts';
export { ReleaseDiff, ReleaseDiffLine, ReleaseDiffMetric, ReleaseSide, releaseDiffParts } from './release-diff.ts';
export type { ReleaseDiffPart } from './release-diff.ts';
export {
  AliasChange,
  Evidence,
  type BroughtEvidence,
  Brought,
  type JudgedVersion,
  type TrainedEvidence,
  type TrainedVersion,
  VersionTest,
  ModelPackage,
  ModelVersion,
  PackageFile,
  RegisteredModel,
  Signature,
  aliasNames,
  executesCode,
  executesCodeOnLoad,
  isJudged,
  isModelGraph,
  pythonFolderOf,
  isTrained,
  lackingEvidence,
  modelStages,
  modelStates,
  datatypeOfElement,
  jsonLengthHeader,
} from './model.ts';
export { LogPolicy, maskedText } from './log-policy.ts';
export { Webhook, WebhookDelivery, WebhookTopic, mlflowTopics, webhookTopics } from './webhook.ts';
export { ImageRequest, ModelImage } from './model-image.ts';
export { ApplicationTestReport, LoadFigures } from './application-test.ts';
export { ApplicationTestRequest, ApplicationTestRun } from './application-test-run.ts';
export { ApplicationTestSpec } from './application-test-spec.ts';
export {
  ErrorCase,
  ExplanationsFinding,
  FootprintFinding,
  LoadPoint,
  ProductionComparison,
  ProductionFinding,
  Requirement,
  RobustnessFinding,
  Said,
  SaturationFinding,
  SoakFinding,
  ValidationFinding,
  WorstCase,
  requirementIds,
  testProfiles,
} from './application-findings.ts';
export type { RequirementId, TestProfile } from './application-findings.ts';
export {
  PolicyCheck,
  PolicyDocument,
  PolicyItem,
  PolicyReference,
  PolicyStatement,
  PublishedPolicy,
  ReleasePolicy,
  findingSeverities,
  policyChecks,
} from './release-policy.ts';
export type { DriftLine, FindingSeverity } from './release-policy.ts';
export {
  Approval,
  Attestation,
  Certification,
  Decision,
  DecisionSignature,
  Finding,
  findingStates,
  PolicyEvidence,
  Readiness,
  Revocation,
  RevokedFrom,
  WantedSignOff,
  decisionKinds,
} from './sign-off.ts';
export type { DecisionKind } from './sign-off.ts';
export { riskLevels } from './risk.ts';
export {
  Deployment,
  DeploymentTraffic,
  EnvironmentState,
  ManifestModel,
  RateLimit,
  ReleaseManifest,
  ServeLimits,
  SignedManifest,
  deploymentStates,
} from './release.ts';
export { mlModelFacts } from './mlmodel.ts';
export type { MlModelFile, PythonFlavors } from './mlmodel.ts';
export { RowError, encodeRows } from './encode-rows.ts';
export type { EncodeOptions, EncodedColumn } from './encode-rows.ts';
export {
  ExplainAnswer,
  ExplainOptions,
  ExplainRequest,
  ExplanationBackground,
  ExplanationScale,
  OcclusionMap,
  OutlierSpec,
  PackageBackground,
  PackageOutliers,
  RowExplanation,
  explanationMethods,
  explanationScales,
} from './explanation.ts';
export { CellValue, Label, LabelBatch, NamedRow, PredictAnswer, PredictRequest, Prediction } from './prediction.ts';
export { Action, Alert, ColumnDrift, IntegrityFinding, Window, WindowMetric, actionKinds, alertKinds, alertStates } from './monitor.ts';
export { PipelineRun, StepRun, stepStates } from './pipeline.ts';
export { JoinSide, JoinSource } from './join.ts';
export { Schedule, ScheduleSpec } from './schedule.ts';
export { StepItem, stepItemStates } from './step-item.ts';
export { AuditEntry, AuditVerification, Reproduction, Trace, TraceLink } from './governance.ts';
export { GyreEvent, eventType } from './events.ts';
export type { EventData, EventKind, EventType, EventTypes } from './events.ts';
export { Figure, Overview, RecordLink, Station, stationNames, stationStates, Waiting } from './overview.ts';
export {
  WorkspaceChanges,
  WorkspaceDiff,
  WorkspaceJob,
  WorkspaceJobRequest,
  WorkspacePath,
  WorkspacePathDiff,
  WorkspacePathStatus,
  WorkspaceProgress,
  WorkspaceRemote,
  WorkspaceStatus,
  WorkspaceVersion,
  WorkspaceVersions,
  WorkspaceView,
  workspacePhases,
  workspaceStates,
  workspaceVerbs,
} from './workspace.ts';
export { byteRangeOf } from './byte-range.ts';
export { PersonalColumns, PersonalSuggestion } from './personal.ts';
export { parseFilter } from './search/parse-filter.ts';
export type { FilterCondition, FilterField, Parsed, ParseFailure } from './search/parse-filter.ts';
export { parseLoggedModelOrderBy, parseOrderBy } from './search/parse-order-by.ts';
export type { LoggedModelOrder, LoggedModelOrderBy, SearchOrder } from './search/parse-order-by.ts';
export { searchKinds } from './search/filter-grammars.ts';
export type { Comparator, SearchEntity, SearchKind } from './search/filter-grammars.ts';
export { completeFilter } from './search/complete-filter.ts';
export type { FilterCompletion, FilterVocabulary } from './search/complete-filter.ts';
export { LoggedModel, RunModel } from './logged-model.ts';
export { Report, ReportChange, ReportInput, ReportSummary, ReportVersion, SavedView, SavedViewInput } from './run-report.ts';
export { DeliveredChange, DeliveryMetrics, deliveryStages } from './delivery.ts';
export type { DeliveryStage } from './delivery.ts';
export { ManifestFiles, ManifestRequest, manifestTargets } from './deployment-manifest.ts';
export type { ManifestTarget } from './deployment-manifest.ts';
