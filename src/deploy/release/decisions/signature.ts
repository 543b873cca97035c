import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { canonicalJson } from '#core';
import type { DecisionKind, DecisionSignature } from '#contract';
import { keyIdOf } from '../manifest.ts';

/** What is signed: decisions, and what people attest for them. */
export type SignedKind = DecisionKind | 'attestation';

/** A record that carries a signature once it is signed. */
export interface Signable {
  readonly signature?: DecisionSignature;
}

/** Signs decisions with the installation's key, and tells whether a signature holds. */
export interface DecisionSigner {
  sign<D extends object>(kind: SignedKind, decision: D): D & { readonly signature: DecisionSignature };
  /** Why a decision's signature does not hold; undefined when it does. */
  objection(kind: SignedKind, decision: Signable): string | undefined;
}

/** @param privateKey Ed25519, PKCS #8 in PEM */
export function decisionSigner(privateKey: string): DecisionSigner {
  const key = createPrivateKey(privateKey);
  const publicKey = createPublicKey(key);
  const keyId = keyIdOf(publicKey.export({ type: 'spki', format: 'der' }));
  return {
    sign: (kind, decision) => ({
      ...decision,
      signature: { keyId, value: sign(null, signedBytes(kind, decision), key).toString('base64') },
    }),
    objection: (kind, decision) => {
      const { signature } = decision;
      if (signature === undefined) return 'it is not signed';
      if (signature.keyId !== keyId) return `it is signed with key ${signature.keyId}, and this installation’s is ${keyId}`;
      if (verify(null, signedBytes(kind, decision), publicKey, Buffer.from(signature.value, 'base64'))) return undefined;
      return 'its signature does not match what it says: it was changed after it was signed';
    },
  };
}

/** The kind is signed too: an approval is never taken for a certification. */
function signedBytes(kind: SignedKind, { signature: _signature, ...said }: Signable): Buffer {
  return Buffer.from(canonicalJson({ format: 'gyre.decision.v1', kind, decision: said }));
}
