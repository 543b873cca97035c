import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { canonicalJson } from '#core';
import type { ExecutionSpec, JudgedVersion, ReleaseManifest, SignedManifest } from '#contract';

const defaultMaxBodyBytes = 8 * 1024 * 1024;
const maxRows = 10_000;

export interface ManifestInput {
  readonly environment: string;
  readonly endpoint: string;
  readonly generation: number;
  readonly version: JudgedVersion;
  /** Share of predictions to log: 1 where they are monitored, 0 in environments for tests. */
  readonly logSample: number;
  readonly maxBodyBytes?: number;
  readonly timeoutMs?: number;
  readonly execution?: ExecutionSpec;
  readonly tokenHashes: readonly string[];
  readonly createdAt: string;
}

/** The manifest that serves one model version with all of an endpoint's traffic. */
export function manifestFor(input: ManifestInput): ReleaseManifest {
  const { version } = input;
  return {
    format: 'gyre.manifest.v1',
    environment: input.environment,
    endpoint: input.endpoint,
    generation: input.generation,
    models: [
      {
        name: version.model,
        version: String(version.version),
        modelVersion: version.id,
        package: version.package,
        files: version.files,
        signature: version.signature,
        weight: 1,
      },
    ],
    log: { sample: input.logSample },
    limits: {
      maxBodyBytes: input.maxBodyBytes ?? defaultMaxBodyBytes,
      maxRows,
      ...(input.timeoutMs === undefined ? {} : { timeoutMs: input.timeoutMs }),
    },
    ...(input.execution === undefined ? {} : { execution: input.execution }),
    tokenHashes: [...input.tokenHashes],
    createdAt: input.createdAt,
  };
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

function keyIdOf(publicKey: Buffer): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}
