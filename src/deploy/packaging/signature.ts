import { createPublicKey, sign, verify } from 'node:crypto';
import { GyreError, sha256 } from '#core';

export const signatureType = 'application/vnd.dev.cosign.artifact.sig.v1+json';
export const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
/** The annotation of a payload that holds its signature. */
export const signatureAnnotation = 'dev.cosignproject.cosign/signature';

interface Payload {
  readonly critical?: {
    readonly identity?: { readonly 'docker-reference'?: string };
    readonly image?: { readonly 'docker-manifest-digest'?: string };
    readonly type?: string;
  };
}

/** What is signed of an image, in the words of cosign's simple signing: which digest, under which name. */
export function payloadOf(image: { readonly name: string; readonly digest: string }): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': image.name },
        image: { 'docker-manifest-digest': image.digest },
        type: 'cosign container image signature',
      },
      optional: { creator: 'gyre' },
    }),
  );
}

/** @param privateKey Ed25519, PEM @returns base64 */
export function signPayload(payload: Uint8Array, privateKey: string): string {
  return sign(null, payload, privateKey).toString('base64');
}

/** A key's name: the SHA-256 of its public half (SubjectPublicKeyInfo, DER). */
export function fingerprintOf(key: string): string {
  return sha256(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

/**
 * @param publicKey Ed25519, PEM
 * @throws GyreError FAILED_PRECONDITION when the signature is not the key's, or is another image's
 */
export function requireSigned(digest: string, payload: Uint8Array, signature: string, publicKey: string): void {
  if (!verify(null, payload, publicKey, Buffer.from(signature, 'base64')))
    throw new GyreError('FAILED_PRECONDITION', `the signature of ${digest} is not by this key (${fingerprintOf(publicKey).slice(0, 12)})`);
  const { critical } = JSON.parse(Buffer.from(payload).toString('utf8')) as Payload;
  const signed = critical?.image?.['docker-manifest-digest'];
  if (signed !== digest) throw new GyreError('FAILED_PRECONDITION', `the signature is of ${String(signed)}, not of ${digest}`, { digest });
}
