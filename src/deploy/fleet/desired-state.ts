import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { DesiredState, SignedDesiredState } from '#contract';
import { canonicalJson, sha256 } from '#core';

/** Signs a desired state's canonical bytes (RFC 8785) with Ed25519 (RFC 8032). @param privateKey PKCS #8 in PEM */
export function signDesired(desired: DesiredState, privateKey: string): SignedDesiredState {
  const key = createPrivateKey(privateKey);
  return {
    desired,
    keyId: sha256(createPublicKey(key).export({ type: 'spki', format: 'der' })).slice(0, 16),
    signature: sign(null, Buffer.from(canonicalJson(desired)), key).toString('base64'),
  };
}

/** The public key as an enrolment carries it: SPKI, DER, base64. */
export function publicKeyOf(privateKey: string): string {
  return createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'der' }).toString('base64');
}
