import type {
  Action,
  Actor,
  Alert,
  ApplicationTestReport,
  Approval,
  ArtifactFile,
  AuditEntry,
  AuditVerification,
  Certification,
  CharterVersion,
  DatasetVersion,
  Deployment,
  Comparison,
  Evidence,
  Finding,
  JudgedVersion,
  ModelVersion,
  PipelineRun,
  Prediction,
  ReleaseDiff,
  Reproduction,
  Run,
  SignedManifest,
  TestReport,
  Trace,
  Transform,
} from '#contract';
import type { BlobStore } from '#blobs';
import type { Clock } from '#core';
import type { CompareRequest, ModelSource } from '#evaluation';
import type { Events } from '#events';
import type { RowsSource } from '#features';
import type { Store } from '#store';
import type { Frame } from '#tables';
import type { Execution, ExecuteOptions } from '#training';
import type { ReleaseDiffRequest } from './diff/release-diff.ts';

/*
 * What the room needs of the others, verb by verb. Every `get…` throws GyreError NOT_FOUND.
 */

export interface DatasetRecords extends RowsSource {
  open(version: string): Promise<Frame>;
  get(version: string): Promise<DatasetVersion>;
}

export interface TrainingRecords {
  getRun(run: string): Promise<Run>;
  findArtifact(run: string, path: string): Promise<ArtifactFile | undefined>;
  execute(run: string, options?: ExecuteOptions): Promise<Execution>;
}

export interface VersionRecords {
  get(model: string, version: number | string): Promise<ModelVersion>;
  getById(id: string): Promise<ModelVersion>;
  byPackagePrefix(prefix: string): Promise<readonly ModelVersion[]>;
  byRun(run: string): Promise<readonly ModelVersion[]>;
  evidence(version: string): Promise<Evidence>;
  modelSource(version: JudgedVersion): Promise<ModelSource>;
}

export interface ReleaseRecords {
  deployments(filter?: { readonly modelVersion?: string; readonly limit?: number }): Promise<readonly Deployment[]>;
  getDeployment(id: string): Promise<Deployment>;
  getManifest(digest: string): Promise<SignedManifest>;
  getApplicationTest(id: string): Promise<ApplicationTestReport>;
  applicationTests(modelVersion?: string): Promise<readonly ApplicationTestReport[]>;
  certifications(modelVersion?: string): Promise<readonly Certification[]>;
  approvals(modelVersion?: string): Promise<readonly Approval[]>;
  readonly findings: { list(filter: { readonly modelVersion: string }): Promise<readonly Finding[]> };
}

export interface MonitoringRecords {
  getPrediction(id: string): Promise<{
    readonly prediction?: Prediction;
    readonly predicted?: string;
    readonly score?: number;
    readonly label?: { readonly value: string | number | boolean | null; readonly receivedAt: string };
  }>;
  getAlert(id: string): Promise<Alert>;
}

export interface GovernanceDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events;
  readonly clock: Clock;
  readonly data: DatasetRecords;
  readonly features: { get(transform: string): Promise<Transform> };
  readonly training: TrainingRecords;
  readonly evaluation: { getReport(id: string): Promise<TestReport>; compare(request: CompareRequest): Promise<Comparison> };
  readonly registry: VersionRecords;
  readonly release: ReleaseRecords;
  readonly monitoring: MonitoringRecords;
  readonly triggers: { actions(filter?: { readonly alert?: string; readonly limit?: number }): Promise<readonly Action[]> };
  readonly pipelines: { get(id: string): Promise<PipelineRun> };
  readonly charters: { get(project: string, digest: string): Promise<CharterVersion> };
  /** The project's name. */
  readonly project: () => string;
  /** The commits from one to another, where the project's repository has both. Default: it is not asked. */
  readonly commits?: (from: string, to: string) => Promise<ReleaseDiff['commits']>;
  /** Who an event's `actor` is. @throws GyreError NOT_FOUND */
  readonly actorOf: (identity: string) => Promise<Actor>;
  /** Says what the room cannot do in the background, such as writing the audit log. */
  readonly onProblem?: (message: string) => void;
}

/** Where a trace may begin. */
export type TraceStart = 'prediction' | 'model_version' | 'run' | 'dataset_version' | 'alert' | 'deployment';

export interface LineageNode {
  readonly id: string;
  readonly kind: 'dataset_version' | 'transform' | 'run' | 'test_report' | 'model_version' | 'deployment';
  readonly title: string;
}

/** What a model version was made from and where it went; an edge points the way the data flow. */
export interface Lineage {
  readonly nodes: readonly LineageNode[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly role: string }[];
}

/** Who may, who did, why, with what evidence. */
export interface Governance extends AsyncDisposable {
  /** Entries in the order of their positions. */
  audit(query?: {
    readonly after?: number;
    /** Default 100, at most 1000. */
    readonly limit?: number;
    readonly subject?: string;
    /** The newest first, before `after`. */
    readonly newestFirst?: boolean;
  }): Promise<{ readonly items: readonly AuditEntry[]; readonly next?: number }>;
  /** Recomputes the whole chain, and holds every entry against its event. */
  verifyAudit(): Promise<AuditVerification>;
  /** Resolves when everything that happened until now is in the audit log. */
  caughtUp(): Promise<void>;
  /**
   * The chain of evidence behind a record, every file that it names read again and compared with its digest.
   * @param id of a prediction also when that was never logged; of a model version also as `name@version`
   * @throws GyreError NOT_FOUND when nothing at all is known of it, INVALID_ARGUMENT for a prediction id of another form
   */
  trace(kind: TraceStart, id: string): Promise<Trace>;
  /**
   * Trains a model version again from its records alone and compares the bytes of the model.
   * @param request.modelVersion its id or `name@version` (a number or an alias)
   * @throws GyreError NOT_FOUND; FAILED_PRECONDITION when its run is none of our trainers'
   */
  reproduce(request: { readonly modelVersion: string; readonly workers: number; readonly by: Actor }): Promise<Reproduction>;
  lineage(modelVersion: string): Promise<Lineage>;
  /** How two releases differ, what differs first. @throws GyreError NOT_FOUND */
  releaseDiff(request: ReleaseDiffRequest): Promise<ReleaseDiff>;
}
