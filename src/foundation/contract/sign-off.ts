import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';

/** The installation's Ed25519 signature (RFC 8032) over a decision's canonical JSON (RFC 8785). */
export const DecisionSignature = strict({
  keyId: Type.String({ description: 'first 16 hex digits of the SHA-256 of the public key' }),
  value: Type.String({ description: 'in base64' }),
});
export type DecisionSignature = Static<typeof DecisionSignature>;

/** Decisions of before they were signed have no signature. */
const Signature = Type.Optional(DecisionSignature);

export const Certification = strict({
  id: Id,
  modelVersion: Id,
  package: Digest,
  report: Id,
  reportDigest: Digest,
  verdict: oneOf(['certified', 'refused']),
  statement: Type.String(),
  certifiedBy: Actor,
  certifiedAt: Instant,
  signature: Signature,
});
export type Certification = Static<typeof Certification>;

export const Approval = strict({
  id: Id,
  modelVersion: Id,
  package: Digest,
  environment: Name,
  certification: Type.Optional(Id),
  verdict: oneOf(['approved', 'refused']),
  statement: Type.String(),
  approvedBy: Actor,
  approvedAt: Instant,
  signature: Signature,
});
export type Approval = Static<typeof Approval>;

/** A package is taken out for good: no environment accepts it any more. */
export const Revocation = strict({
  id: Id,
  modelVersion: Id,
  package: Digest,
  reason: Type.String(),
  revokedBy: Actor,
  revokedAt: Instant,
  signature: Signature,
});
export type Revocation = Static<typeof Revocation>;

/** What became of an environment that served what was revoked. */
export const RevokedFrom = strict({
  environment: Name,
  outcome: oneOf(['rolled_back', 'still_served'], {
    description: 'still_served: nothing else that was live there may serve; another version is to be released',
  }),
  modelVersion: Type.Optional(Type.String({ description: 'what it serves instead' })),
  reason: Type.Optional(Type.String({ description: 'why it is still served' })),
});
export type RevokedFrom = Static<typeof RevokedFrom>;

export const decisionKinds = ['certification', 'approval', 'revocation'] as const;
export type DecisionKind = (typeof decisionKinds)[number];

/** A decision about a version, of whatever kind, with what its signature is worth. */
export const Decision = strict({
  kind: oneOf(decisionKinds),
  id: Id,
  modelVersion: Id,
  package: Digest,
  verdict: oneOf(['certified', 'approved', 'refused', 'revoked']),
  environment: Type.Optional(Name),
  report: Type.Optional(Id),
  reportDigest: Type.Optional(Digest),
  statement: Type.String({ description: 'the words that were given with it' }),
  by: Actor,
  at: Instant,
  signature: oneOf(['valid', 'invalid', 'unsigned'], {
    description: 'unsigned: made before decisions were signed; it counts all the same',
  }),
  keyId: Type.Optional(Type.String()),
  invalid: Type.Optional(Type.String({ description: 'why the signature does not hold: such a decision is not accepted' })),
});
export type Decision = Static<typeof Decision>;

/** What a version still lacks for an environment: empty means that it may go. */
export const Readiness = strict({
  modelVersion: Id,
  environment: Name,
  ready: Type.Boolean(),
  missing: Type.Array(strict({ gate: Type.String(), reason: Type.String() })),
  executesCodeOnLoad: Type.Optional(Type.Boolean({ description: 'loading it executes code that came in its files' })),
});
export type Readiness = Static<typeof Readiness>;
