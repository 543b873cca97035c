import type { BlobStore } from '#blobs';
import type { Clock, NewId } from '#core';
import type { riskLevels } from '#contract';
import type {
  Actor,
  ApplicationTestReport,
  ApplicationTestSpec,
  Approval,
  Attestation,
  Certification,
  CharterVersion,
  ColumnType,
  Decision,
  Deployment,
  EndpointState,
  EnvironmentState,
  EventTypes,
  ExecutionSpec,
  JudgedVersion,
  LogPolicy,
  ExplainAnswer,
  ExplainRequest,
  ModelVersion,
  PredictAnswer,
  PolicyEvidence,
  PredictRequest,
  Readiness,
  RolloutPlan,
  Revocation,
  RevokedFrom,
  Role,
  ServeLimits,
  SignedManifest,
  TestProfile,
  TestReport,
} from '#contract';
import type { Evaluation } from '#evaluation';
import type { Events } from '#events';
import type { RowsSource } from '#features';
import type { Registry } from '#registry';
import type { Store } from '#store';
import type { Training } from '#training';
import type { Delivery } from './delivery/delivery.ts';
import type { Environment } from './gates.ts';
import type { Findings } from './findings/findings.ts';
import type { DataPlanes } from './planes.ts';
import type { Rollouts } from './rollout/port.ts';
import type { LoggedRequests } from './tests/production.ts';
import type { TestRuns } from './tests/runs/test-runs.ts';
import type { SignOffQueue } from './queue/queue.ts';
import type { SeenDrift } from './policy/drift.ts';
import type { Policies } from './policy/policies.ts';

/** What the room needs of `#registry`. */
export interface Versions extends Pick<Registry, 'modelSource'> {
  /** @throws GyreError NOT_FOUND */
  getById(id: string): Promise<ModelVersion>;
  setAlias(request: {
    readonly model: string;
    readonly alias: 'candidate' | 'champion';
    readonly version: number;
    readonly by: Actor;
  }): Promise<unknown>;
}

/** What the room needs of `#evaluation`. */
export interface Reports extends Pick<Evaluation, 'openModel' | 'unseenRows'> {
  /** @throws GyreError NOT_FOUND */
  getReport(id: string): Promise<TestReport>;
}

export interface ReleaseSettings {
  readonly environments: readonly Environment[];
  /** How versions come to environments; what is left out is switched at once. */
  readonly rollouts?: Readonly<Record<string, RolloutPlan>>;
  readonly endpoint: string;
  /** The policy that releases go by, by its name, where none applies by itself. */
  readonly policy?: string;
  /** The charter’s. Default `limited`. */
  readonly risk?: (typeof riskLevels)[number];
  /** What data planes let through; what is left out has its default. */
  readonly limits?: Partial<Omit<ServeLimits, 'maxRows'>>;
  /** What the prediction log keeps where versions are monitored; default: everything. */
  readonly log?: Partial<LogPolicy>;
  /** How a data plane runs its models. */
  readonly execution?: ExecutionSpec;
  /** How long an explanation may take. */
  readonly explainTimeoutMs?: number;
  /** Targets of the load test. */
  readonly latencyP99Ms: number;
  readonly requestsPerSecond: number;
  readonly durationMs: number;
  /** What else application tests are held to. */
  readonly robustness?: ApplicationTestSpec['robustness'];
  readonly saturation?: ApplicationTestSpec['saturation'];
  readonly soak?: ApplicationTestSpec['soak'];
  readonly footprint?: ApplicationTestSpec['footprint'];
  readonly comparison?: ApplicationTestSpec['comparison'];
  readonly explanations?: ApplicationTestSpec['explanations'];
  readonly validation?: ApplicationTestSpec['validation'];
  readonly production?: ApplicationTestSpec['production'];
  /** Columns that answers are sliced by, and the gates that speak of groups: judged again over the network. */
  readonly slices?: readonly string[];
  readonly groupGates?: readonly string[];
}

export interface ReleaseDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly versions: Versions;
  readonly reports: Reports;
  readonly training: Pick<Training, 'getRun'>;
  readonly data: RowsSource;
  /** The newest version of a dataset, by its name; undefined when it has none. */
  readonly newestVersion: (dataset: string) => Promise<string | undefined>;
  /** What an environment's endpoint was asked lately; not asked of without it. */
  readonly requests?: (asked: RequestsAsked) => Promise<LoggedRequests>;
  readonly planes: DataPlanes;
  /** Inputs of a version that tell of a person: what leaves for elsewhere masks them. Default: none. */
  readonly personalInputs?: (version: JudgedVersion) => Promise<readonly string[]>;
  /** The project's settings, as they are now. */
  readonly settings: () => ReleaseSettings;
  /** @throws GyreError NOT_FOUND */
  readonly charter: (digest: string) => Promise<CharterVersion>;
  /** When the newest of what a version was made of, its data or its code, was there (ISO 8601). Default: when its training began. */
  readonly changedAt?: (version: ModelVersion) => Promise<string | undefined>;
  /** Of whose process runs of application tests are: the data folder. */
  readonly owner?: string;
  /** Signs manifests: PKCS #8 in PEM. */
  readonly privateKey: string;
  /** SHA-256 of the tokens that may infer now; none on loopback. */
  readonly tokenHashes: () => Promise<readonly string[]>;
  /** How application tests come into planes that ask for a token, or that speak TLS with this certificate (PEM). */
  readonly planeAccess?: { readonly token: string; readonly certificate?: string };
  /** A monotonic clock in milliseconds, with fractions, for latencies. */
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface RequestsAsked {
  readonly environment: string;
  readonly endpoint: string;
  /** Inputs, with the types that they are read as. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** At most so many, the newest. */
  readonly limit: number;
}

export interface RollRequest {
  readonly environment: string;
  /** The model version's id. */
  readonly modelVersion: string;
  /** At once, also where the environment says how versions come to it step by step. */
  readonly atOnce?: boolean;
  readonly reason: string;
  readonly by: Actor;
}

export interface RollBackRequest extends Omit<RollRequest, 'modelVersion' | 'atOnce'> {
  /** A deployment of that environment, by its generation; default: the one of the version before. */
  readonly generation?: number;
}

export interface CertifyRequest {
  /** The application test report that the QA expert has read. */
  readonly report: string;
  readonly verdict: Certification['verdict'];
  readonly statement: string;
  readonly by: Actor;
}

export interface ApproveRequest {
  readonly modelVersion: string;
  readonly environment: string;
  readonly verdict: Approval['verdict'];
  readonly statement: string;
  readonly by: Actor;
}

export interface AttestRequest {
  readonly modelVersion: string;
  /** The item of the policy. */
  readonly item: string;
  readonly statement: string;
  /** That the person has. */
  readonly roles: readonly Role[];
  readonly by: Actor;
}

export interface AttachRequest extends Omit<AttestRequest, 'statement'> {
  readonly document: { readonly name: string; readonly mediaType: string; readonly bytes: Uint8Array };
}

export interface RevokeRequest {
  readonly modelVersion: string;
  /** Why, for the record. */
  readonly reason: string;
  readonly by: Actor;
}

/** A data plane that does not serve what is recorded as live. */
export interface PlaneProblem {
  readonly environment: string;
  readonly reason: string;
}

/** From a registered candidate to a certified production model: tests, certification, approval, rollout, rollback. */
export interface Release extends Delivery, SignOffQueue {
  /** Versions that come to an environment step by step. */
  readonly rollouts: Rollouts;
  /** Every environment in its order, with what it serves. */
  environments(): Promise<readonly EnvironmentState[]>;
  /** What answers in each environment, in their order, and how it does. */
  endpoints(): Promise<readonly EndpointState[]>;
  /**
   * Asks an environment's endpoint, as its clients do, over the network.
   * @throws GyreError FAILED_PRECONDITION when nothing runs there; what the endpoint answers instead of predictions
   */
  predict(environment: string, request: PredictRequest): Promise<PredictAnswer>;
  /** What a version still lacks for an environment. @throws GyreError NOT_FOUND */
  readiness(modelVersion: string, environment: string): Promise<Readiness>;
  /**
   * Switches an environment to a version: manifest signed, data plane swapped, then recorded as live.
   * In the last environment the version becomes the `champion`. Gates are judged in the transaction that begins the switch.
   * Where the environment has a plan for rollouts and serves another version, the rollout begins: the deployment of its first step is returned.
   * @throws GyreError FAILED_PRECONDITION naming every gate that is not passed, or the plane's refusal; ABORTED when a switch is under way;
   *   UNAVAILABLE when it is live but the alias could not follow
   */
  roll(request: RollRequest): Promise<Deployment>;
  /**
   * Switches back to a version that was live before, on the sign-offs that it was released on. Without a generation it passes over versions that were
   * revoked, and while a rollout is under way that one is rolled back.
   * @throws GyreError FAILED_PRECONDITION when there is none, or when its certification or approval was refused since; NOT_FOUND when the
   *   generation that is asked for never was live
   */
  rollBack(request: RollBackRequest): Promise<Deployment>;
  /**
   * Runs the application tests against the version that an environment serves.
   * @param request.profile quick (default): seconds, against its own data plane. full: minutes more, against planes that are started beside it
   * @throws GyreError FAILED_PRECONDITION when it serves none or serves customers; ABORTED when it was switched meanwhile
   */
  runApplicationTests(request: {
    readonly environment: string;
    readonly by: Actor;
    readonly profile?: TestProfile;
  }): Promise<ApplicationTestReport>;
  /** The same, followed and stopped. */
  readonly testRuns: TestRuns;
  /** @throws GyreError FAILED_PRECONDITION when the report failed or is not the newest; PERMISSION_DENIED for the version's author and approvers */
  certify(request: CertifyRequest): Promise<Certification>;
  /** @throws GyreError FAILED_PRECONDITION when the version is not certified; PERMISSION_DENIED for its author and its certifier */
  approve(request: ApproveRequest): Promise<Approval>;
  readonly policies: Policies;
  readonly findings: Findings;
  /** What the policy of an environment asks for, and what of it is there. @throws GyreError NOT_FOUND */
  policyEvidence(modelVersion: string, environment: string): Promise<PolicyEvidence>;
  /**
   * Answers a question of a policy in force.
   * @throws GyreError NOT_FOUND naming the items that there are; PERMISSION_DENIED without the role that is asked; INVALID_ARGUMENT when a
   *   document is asked for; FAILED_PRECONDITION when Gyre finds it out itself, or the version was revoked
   */
  attest(request: AttestRequest): Promise<Attestation>;
  /** Gives a document that a policy in force asks for. @throws GyreError as `attest`; INVALID_ARGUMENT for another media type */
  attach(request: AttachRequest): Promise<Attestation>;
  /** The document of an attestation. @throws GyreError NOT_FOUND, DATA_LOSS */
  document(
    attestation: string,
  ): Promise<NonNullable<Attestation['document']> & Pick<Attestation, 'modelVersion'> & { readonly bytes: Uint8Array }>;
  /**
   * Takes a version's package out for good: no environment accepts it any more and no rollback comes to it; where it is live, the
   * environment goes back to the latest earlier version that may serve.
   * @throws GyreError ALREADY_EXISTS when it was revoked before
   */
  revoke(request: RevokeRequest): Promise<{ readonly revocation: Revocation; readonly environments: readonly RevokedFrom[] }>;
  /** Takes out what is live although it was revoked, such as by a switch that had begun before. */
  takeOutRevoked(by: Actor): Promise<readonly RevokedFrom[]>;
  /** Tells by an event, once for each deployment, that the decisions which it was released on count no longer: for their age, or by drift. */
  tellExpired(by: Actor): Promise<void>;
  /** Keeps how far the data of a version lay from what it learned from, in a window that it served; the same window again is kept as it is now. */
  recordDrift(seen: SeenDrift): Promise<void>;
  /** Every decision about a version, the newest first, with what its signature is worth. @throws GyreError NOT_FOUND */
  decisions(modelVersion: string): Promise<readonly Decision[]>;
  /**
   * What moved the predictions of rows, as the version says that an environment serves.
   * @throws GyreError FAILED_PRECONDITION when it serves none; what its data plane refuses, by the same code
   */
  explain(asked: { readonly environment: string; readonly request: ExplainRequest }): Promise<ExplainAnswer>;
  /** Why a version may not be named champion; undefined when it may. The registry asks, on every path. */
  championRefusal(version: ModelVersion): Promise<string | undefined>;
  /**
   * After a start: ends switches that a dead process left, and has every data plane serve what is recorded as live.
   * Switches and application tests that are asked for meanwhile wait for its end.
   * @param by who issues a new generation of a manifest whose tokens have changed since
   * @param begin when planes may start; false: not at all. At once without it
   * @returns the environments where that failed; the others go on
   */
  resume(by: Actor, begin?: Promise<boolean>): Promise<readonly PlaneProblem[]>;
  /**
   * Gives every data plane whose manifest names other tokens than may infer now a new generation of it: same version, same sign-offs.
   * @throws GyreError ABORTED when a switch is under way or came between: ask again
   */
  renewTokens(by: Actor): Promise<void>;
  /** The newest first. */
  deployments(filter?: {
    readonly environment?: string;
    readonly modelVersion?: string;
    readonly limit?: number;
  }): Promise<readonly Deployment[]>;
  /** The deployment that a prediction's id speaks of. */
  deploymentOf(environment: string, generation: number): Promise<Deployment | undefined>;
  /** @throws GyreError NOT_FOUND */
  getDeployment(id: string): Promise<Deployment>;
  /** @throws GyreError NOT_FOUND */
  getManifest(digest: string): Promise<SignedManifest>;
  /** @throws GyreError NOT_FOUND */
  getApplicationTest(id: string): Promise<ApplicationTestReport>;
  /** The newest first. */
  applicationTests(modelVersion?: string): Promise<readonly ApplicationTestReport[]>;
  certifications(modelVersion?: string): Promise<readonly Certification[]>;
  approvals(modelVersion?: string): Promise<readonly Approval[]>;
}
