import { Type, type Static } from 'typebox';
import { Actor, Check, Digest, Id, Instant, ModelName, Name, oneOf, strict } from './common.ts';
import { ExecutionSpec } from './execution.ts';
import { ManifestRoute } from './route.ts';
import { LogPolicy } from './log-policy.ts';
import { PackageFile, Signature } from './model.ts';
import { PolicyReference } from './release-policy.ts';
import { MachineRequirements } from './requirements.ts';

/** One model as a data plane loads it. */
export const ManifestModel = strict({
  name: ModelName,
  version: Type.String(),
  modelVersion: Id,
  package: Digest,
  files: Type.Array(PackageFile),
  signature: Signature,
  python: Type.Optional(
    strict(
      { folder: Type.String({ description: 'where in the package its MLmodel file lies: empty, or a path that ends in a slash' }) },
      { description: 'the model has no graph: Python loads it, which executes code from the package' },
    ),
  ),
  weight: Type.Number({ minimum: 0, maximum: 1, description: 'share of the endpoint’s traffic' }),
});
export type ManifestModel = Static<typeof ManifestModel>;

/** How often one caller may ask: `perSecond` on average, and up to `burst` at once after a pause. */
export const RateLimit = strict({
  perSecond: Type.Number({ exclusiveMinimum: 0, description: 'requests of one token a second; without tokens, of all callers' }),
  burst: Type.Optional(Type.Integer({ minimum: 1, description: 'requests at once after a pause; default: those of one second' })),
});
export type RateLimit = Static<typeof RateLimit>;

const MaxConcurrent = Type.Integer({ minimum: 1, description: 'requests that are answered at the same time; more are answered 503' });

/** What a data plane lets through. */
export const ServeLimits = strict({
  maxBodyBytes: Type.Integer(),
  maxRows: Type.Integer(),
  timeoutMs: Type.Optional(Type.Integer()),
  maxConcurrent: Type.Optional(MaxConcurrent),
  rate: Type.Optional(RateLimit),
});
export type ServeLimits = Static<typeof ServeLimits>;

/** What a data plane makes true; immutable canonical JSON (RFC 8785), signed. Serving knows nothing else. */
export const ReleaseManifest = strict({
  format: Type.Literal('gyre.manifest.v1'),
  environment: Name,
  endpoint: Name,
  generation: Type.Integer({ minimum: 1, description: 'grows with every change of this environment' }),
  models: Type.Array(ManifestModel, { minItems: 1 }),
  warm: Type.Optional(
    Type.Array(ManifestModel, { description: 'models that are kept loaded and answer nobody: a later manifest may serve them at once' }),
  ),
  log: LogPolicy,
  limits: ServeLimits,
  execution: Type.Optional(ExecutionSpec),
  route: Type.Optional(ManifestRoute),
  explain: Type.Optional(strict({ timeoutMs: Type.Integer() })),
  requires: Type.Optional(MachineRequirements),
  tokenHashes: Type.Array(Digest, { description: 'SHA-256 of bearer tokens that may infer; empty: loopback only, no token' }),
  createdAt: Instant,
});
export type ReleaseManifest = Static<typeof ReleaseManifest>;

/** A manifest with the installation's Ed25519 signature over its canonical bytes (base64). */
export const SignedManifest = strict({ manifest: ReleaseManifest, keyId: Type.String(), signature: Type.String() });
export type SignedManifest = Static<typeof SignedManifest>;

/** Versions that take a part of an endpoint’s traffic beside the one that is live, or are asked as its shadows. */
export const DeploymentTraffic = strict({
  rollout: Id,
  beside: Type.Array(
    strict({
      modelVersion: Id,
      package: Digest,
      weight: Type.Number({ minimum: 0, maximum: 1 }),
      shadow: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
    }),
    { minItems: 1 },
  ),
  sticky: Type.Optional(Type.String({ description: 'the header whose value always gets the same version' })),
});
export type DeploymentTraffic = Static<typeof DeploymentTraffic>;

export const deploymentStates = ['rolling', 'live', 'superseded', 'rolled_back', 'failed'] as const;
export const Deployment = strict({
  id: Id,
  environment: Name,
  endpoint: Name,
  generation: Type.Integer(),
  modelVersion: Id,
  package: Digest,
  /** Left out: the version answers alone. */
  traffic: Type.Optional(DeploymentTraffic),
  manifest: Type.Optional(Digest),
  /** What was found of the machine before the switch, where the data plane is a child process of the platform. */
  checks: Type.Optional(Type.Array(Check)),
  state: oneOf(deploymentStates),
  reason: Type.String(),
  certification: Type.Optional(Id),
  approvals: Type.Array(Id),
  /** Of a rollback: the release that it went back to; what was live before that one is what another rollback comes to. */
  backTo: Type.Optional(Type.Integer({ description: 'the generation that a rollback went back to' })),
  deployedBy: Actor,
  deployedAt: Instant,
  endedAt: Type.Optional(Instant),
});
export type Deployment = Static<typeof Deployment>;

export const EnvironmentState = strict({
  name: Name,
  position: Type.Integer(),
  endpoint: Name,
  live: Type.Optional(Deployment),
  address: Type.Optional(Type.String({ description: 'base URL of its data plane, when it runs' })),
  grpcAddress: Type.Optional(Type.String({ description: 'where its data plane answers gRPC: grpc://host:port' })),
  policy: Type.Optional(PolicyReference),
  approvals: Type.Optional(Type.Integer({ description: 'how many people approve before a version comes here, by gyre.yaml and policy' })),
  expiresAt: Type.Optional(
    Type.Unsafe<string>({ ...Instant, description: 'when the first of the decisions that it was released on counts no longer' }),
  ),
  expired: Type.Optional(Type.Boolean({ description: 'whether that is past: it serves on, and is to be signed off again' })),
  agents: Type.Optional(
    strict(
      {
        revision: Type.Optional(Type.Integer({ description: 'of the desired state; absent before the first release' })),
        since: Type.Optional(Instant),
        enrolled: Type.Integer({ minimum: 0 }),
        inStep: Type.Integer({ minimum: 0, description: 'how many serve what is desired' }),
        waitsFor: Type.Array(Type.String(), { description: 'who does not serve it, and why' }),
      },
      { description: 'where agents serve it: how far the desired state has come' },
    ),
  ),
  expiredBy: Type.Optional(Type.String({ description: 'what has ended it before its time: drift, in words' })),
  ready: Type.Boolean(),
  problem: Type.Optional(Type.String({ description: 'what is wrong with what it serves, such as that it was revoked' })),
});
export type EnvironmentState = Static<typeof EnvironmentState>;
