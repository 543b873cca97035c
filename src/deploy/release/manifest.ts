import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { canonicalJson } from '#core';
import { pythonFolderOf } from '#contract';
import type {
  ExecutionSpec,
  JudgedVersion,
  LogPolicy,
  MachineRequirements,
  ManifestModel,
  ManifestRoute,
  ReleaseManifest,
  ServeLimits,
  SignedManifest,
} from '#contract';
import type { ReleaseSettings } from './port.ts';

const defaultMaxBodyBytes = 8 * 1024 * 1024;
const maxRows = 10_000;

export interface ManifestInput {
  readonly environment: string;
  readonly endpoint: string;
  readonly generation: number;
  readonly version: JudgedVersion;
  /** Those that take a part of the traffic, or are asked as its shadows. */
  readonly beside?: readonly BesideVersion[];
  /** What keeps a caller with one version, where several answer. */
  readonly sticky?: NonNullable<ManifestRoute['sticky']>;
  /** Those that stay loaded beside it. */
  readonly warm?: readonly JudgedVersion[];
  /** What is logged. */
  readonly log: LogPolicy;
  readonly limits: Partial<Omit<ServeLimits, 'maxRows'>>;
  readonly execution?: ExecutionSpec;
  readonly explainTimeoutMs?: number;
  /** What the machine must have. */
  readonly requires?: MachineRequirements;
  readonly tokenHashes: readonly string[];
  readonly createdAt: string;
}

/** A version that answers beside the one that is live. */
export interface BesideVersion {
  readonly version: JudgedVersion;
  /** Its share of the traffic. */
  readonly weight: number;
  /** The share of requests that it is asked as a shadow. */
  readonly shadow?: number;
}

/** The manifest that serves one model version with all of an endpoint's traffic, but for what goes to those beside it. */
export function manifestFor(input: ManifestInput): ReleaseManifest {
  const { version, beside = [], warm = [] } = input;
  const rest = beside.reduce((left, { weight }) => left - weight, 1);
  const route = routeOf(input);
  return {
    format: 'gyre.manifest.v1',
    environment: input.environment,
    endpoint: input.endpoint,
    generation: input.generation,
    models: [modelOf(version, rest), ...beside.map((one) => modelOf(one.version, one.weight))],
    ...(warm.length === 0 ? {} : { warm: warm.map((one) => modelOf(one, 0)) }),
    log: input.log,
    limits: limitsOf(input.limits),
    ...(input.execution === undefined ? {} : { execution: input.execution }),
    ...(route === undefined ? {} : { route }),
    ...(input.explainTimeoutMs === undefined ? {} : { explain: { timeoutMs: input.explainTimeoutMs } }),
    ...(input.requires === undefined ? {} : { requires: input.requires }),
    tokenHashes: [...input.tokenHashes],
    createdAt: input.createdAt,
  };
}

function routeOf({ beside = [], sticky }: ManifestInput): ManifestRoute | undefined {
  if (beside.length === 0) return undefined;
  const shadows = beside.flatMap(({ version, shadow }) =>
    shadow === undefined ? [] : [{ model: { name: version.model, version: String(version.version) }, sample: shadow }],
  );
  return { ...(sticky === undefined ? {} : { sticky }), ...(shadows.length === 0 ? {} : { shadows }) };
}

function modelOf(version: JudgedVersion, weight: number): ManifestModel {
  const python = pythonFolderOf(version);
  return {
    name: version.model,
    version: String(version.version),
    modelVersion: version.id,
    package: version.package,
    files: version.files,
    signature: version.signature,
    ...(python === undefined ? {} : { python: { folder: python } }),
    weight,
  };
}

/** What the settings that manifests are made of say otherwise than one that is served: it comes with the next release. */
export function pendingOf(
  { limits, log, execution }: ReleaseManifest,
  settings: Pick<ReleaseSettings, 'limits' | 'log' | 'execution'>,
  isMonitored: boolean,
): readonly ('limits' | 'log' | 'execution')[] {
  const { events: _told, ...kept } = log;
  const { events: _tell, ...keep } = loggedAs(settings.log ?? {}, isMonitored);
  return [
    ...(isDeepStrictEqual(limits, limitsOf(settings.limits ?? {})) ? [] : (['limits'] as const)),
    // Whom events are told to is compared by its address: personal columns are masked there beside what the setting says.
    ...(isDeepStrictEqual(kept, keep) && log.events?.url === settings.log?.events?.url ? [] : (['log'] as const)),
    ...(isDeepStrictEqual(execution, settings.execution) ? [] : (['execution'] as const)),
  ];
}

/** Where versions are tested nothing is monitored, and nothing logged. */
export function loggedAs(log: Partial<LogPolicy>, isMonitored: boolean): LogPolicy {
  return { sample: 1, ...log, ...(isMonitored ? {} : { sample: 0 }) };
}

function limitsOf(limits: ManifestInput['limits']): ServeLimits {
  return { maxBodyBytes: defaultMaxBodyBytes, maxRows, ...limits };
}

/**
 * Signs a manifest's canonical bytes (RFC 8785) with Ed25519 (RFC 8032).
 * @param privateKey PKCS #8 in PEM
 */
export function signManifest(manifest: ReleaseManifest, privateKey: string): SignedManifest {
  const key = createPrivateKey(privateKey);
  return {
    manifest,
    keyId: keyIdOf(createPublicKey(key).export({ type: 'spki', format: 'der' })),
    signature: sign(null, Buffer.from(canonicalJson(manifest)), key).toString('base64'),
  };
}

/** The first 16 hex digits of the SHA-256 of a public key in SPKI, DER. */
export function keyIdOf(publicKey: Buffer): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}
