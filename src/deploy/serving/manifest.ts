import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Check, Errors } from 'typebox/schema';
import { ReleaseManifest, SignedManifest } from '#contract';
import type { LocalRoute, Signature } from '#contract';
import { canonicalJson, digestOf, GyreError, messageOf } from '#core';
import { routeProblem } from './route.ts';

/** How far a manifest is trusted: only with the installation's signature, or (said explicitly) as it lies there. */
export type ManifestTrust = { readonly publicKey: KeyObject } | { readonly unsigned: true };

/**
 * Reads the installation's Ed25519 public key.
 * @param file PEM (SubjectPublicKeyInfo)
 * @throws GyreError NOT_FOUND when it cannot be read, INVALID_ARGUMENT when it is no Ed25519 public key
 */
export async function readPublicKey(file: string): Promise<KeyObject> {
  const pem = await readText(file, 'public key');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${file} holds no public key in PEM: ${messageOf(error)}`, { file }, { cause: error });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new GyreError('INVALID_ARGUMENT', `${file} holds a key of type ${key.asymmetricKeyType}; manifests are signed with Ed25519`, {
      file,
    });
  }
  return key;
}

/**
 * Reads a manifest file and checks whether it may be served.
 * @param file a SignedManifest as JSON; with `unsigned` a bare ReleaseManifest is accepted as well
 * @throws GyreError NOT_FOUND when the file cannot be read; INVALID_ARGUMENT when it is no manifest (the message names the member);
 *   PERMISSION_DENIED when its signature is not the pinned key's
 */
export async function readManifest(file: string, trust: ManifestTrust): Promise<ReleaseManifest> {
  const text = await readText(file, 'manifest');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${file} is no JSON: ${messageOf(error)}`, { file }, { cause: error });
  }
  if ('unsigned' in trust) {
    return soundManifest(file, isObject(json) && 'manifest' in json ? json.manifest : json);
  }
  if (!Check(SignedManifest, json)) {
    // A bare manifest gets the plainer message: what is missing is the signature, not some member.
    const bare = isObject(json) && !('signature' in json);
    const reason = bare ? 'it has no signature' : firstProblem(SignedManifest, json);
    throw new GyreError('INVALID_ARGUMENT', `${file} is no signed manifest: ${reason}`, { file });
  }
  const signature = Buffer.from(json.signature, 'base64');
  if (!verify(null, Buffer.from(canonicalJson(json.manifest)), trust.publicKey, signature)) {
    throw new GyreError(
      'PERMISSION_DENIED',
      `the signature of ${file} is not that of the pinned key: it was changed, or another installation signed it`,
      {
        file,
        keyId: json.keyId,
      },
    );
  }
  return soundManifest(file, json.manifest);
}

/** What the schema cannot say: packages are what their digest names, weights are shares, names are unique. */
function soundManifest(file: string, manifest: unknown): ReleaseManifest {
  const refuse = (reason: string): never => {
    throw new GyreError('INVALID_ARGUMENT', `${file} is no manifest that can be served: ${reason}`, { file });
  };
  if (!Check(ReleaseManifest, manifest)) return refuse(firstProblem(ReleaseManifest, manifest));
  const seen = new Set<string>();
  for (const model of [...manifest.models, ...(manifest.warm ?? [])]) {
    const title = `${model.name} ${model.version}`;
    if (seen.has(title)) refuse(`it lists ${title} twice`);
    seen.add(title);
    if (digestOf({ format: 'gyre.package.v1', files: model.files }) !== model.package) {
      refuse(`the files of ${title} are not those that its package digest ${model.package} names`);
    }
  }
  const total = manifest.models.reduce((sum, model) => sum + model.weight, 0);
  if (Math.abs(total - 1) > 1e-6) refuse(`the weights of its models sum to ${total}; traffic needs a sum of 1`);
  const wrong = routeProblem(manifest);
  if (wrong !== undefined) refuse(wrong);
  if (manifest.limits.maxBodyBytes < 1 || manifest.limits.maxRows < 1) refuse('its limits let no request through');
  return manifest;
}

/** What is wrong with a value, in words: where, and what is wanted. */
export function firstProblem(
  schema: typeof SignedManifest | typeof ReleaseManifest | typeof Signature | typeof LocalRoute,
  value: unknown,
): string {
  const [, [problem]] = Errors(schema, value);
  if (problem === undefined) return 'its shape is unknown';
  // A member that the schema does not know fails a schema that is `false`.
  return problem.keyword === 'boolean' ? `${problem.instancePath} is not known` : `${problem.instancePath} ${problem.message}`.trim();
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new GyreError('NOT_FOUND', `the ${what} ${file} cannot be read: ${messageOf(error)}`, { file }, { cause: error });
  }
}
