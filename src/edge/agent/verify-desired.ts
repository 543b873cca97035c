import { verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Check } from 'typebox/schema';
import { DesiredAnswer } from '#contract';
import type { DesiredState, SignedManifest } from '#contract';
import { canonicalJson, GyreError, sha256 } from '#core';

/** What is to be served, once it is sure who says so. */
export interface Desired {
  readonly revision: number;
  /** Left out: nothing is to be served. */
  readonly manifest?: { readonly digest: string; readonly signed: SignedManifest };
}

export interface Trust {
  readonly key: KeyObject;
  readonly environment: string;
  /** The highest revision that was believed until now. */
  readonly seen: number;
}

/**
 * Checks an answer of the platform: both signatures are the pinned key's, environment and digest are right, and it is not older than what was known.
 * @returns undefined when nothing was ever released
 * @throws GyreError PERMISSION_DENIED, INVALID_ARGUMENT naming what is wrong
 */
export function verifiedDesired(answer: unknown, { key, environment, seen }: Trust): Desired | undefined {
  if (!Check(DesiredAnswer, answer))
    throw new GyreError('INVALID_ARGUMENT', 'what the platform answers is no desired state: is it of another version?');
  const { state, manifest } = answer;
  if (state === undefined) return undefined;
  const { desired } = state;
  if (!isSigned(desired, state.signature, key)) throw refused('the signature of the desired state is not that of the pinned key', desired);
  if (desired.environment !== environment)
    throw refused(`the desired state is of environment "${desired.environment}", and this agent is of "${environment}"`, desired);
  if (desired.revision < seen)
    throw refused(`revision ${desired.revision} is older than ${seen}, which this agent has seen: it was played again`, desired);
  if (desired.manifest === null) return { revision: desired.revision };
  if (manifest === undefined) throw refused('the manifest that the desired state names is missing', desired);
  if (sha256(canonicalJson(manifest)) !== desired.manifest)
    throw refused('the manifest is not the one that the desired state names', desired);
  if (!isSigned(manifest.manifest, manifest.signature, key))
    throw refused('the signature of the manifest is not that of the pinned key', desired);
  if (manifest.manifest.environment !== environment)
    throw refused(`the manifest is of environment "${manifest.manifest.environment}", and this agent is of "${environment}"`, desired);
  return { revision: desired.revision, manifest: { digest: desired.manifest, signed: manifest } };
}

function isSigned(value: unknown, signature: string, key: KeyObject): boolean {
  return verify(null, Buffer.from(canonicalJson(value)), key, Buffer.from(signature, 'base64'));
}

/** What is not believed tells its revision all the same: the platform is to know what was refused. */
function refused(reason: string, { revision }: DesiredState): GyreError {
  return new GyreError('PERMISSION_DENIED', reason, { revision });
}
