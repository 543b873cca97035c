import { Type, type Static } from 'typebox';
import { Role } from './access.ts';
import { Actor, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';
import { PolicyItem, PolicyReference, PublishedPolicy, findingSeverities } from './release-policy.ts';

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
  policies: Type.Optional(Type.Array(PolicyReference, { description: 'that it was given under: of the environments that it opens' })),
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
  policy: Type.Optional(PolicyReference),
  evidence: Type.Optional(
    Type.Array(Type.Object({ item: Type.String(), attestation: Id }), { description: 'what its approver saw of what the policy asks for' }),
  ),
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

/** What somebody answered, or showed by a document, for an item of a policy. */
export const Attestation = strict({
  id: Id,
  modelVersion: Id,
  package: Digest,
  item: Type.String({ description: 'of the policy' }),
  asked: Type.String({ description: 'the words that were asked' }),
  role: Role,
  policy: PolicyReference,
  statement: Type.Optional(Type.String()),
  document: Type.Optional(strict({ name: Type.String(), mediaType: Type.String(), digest: Digest, size: Type.Integer() })),
  attestedBy: Actor,
  attestedAt: Instant,
  signature: Signature,
});
export type Attestation = Static<typeof Attestation>;

/** What the policy of an environment asks for beside tests, certification and approvals, and what of it is there. */
export const PolicyEvidence = strict({
  policy: PublishedPolicy,
  items: Type.Array(
    strict({
      stage: Name,
      item: PolicyItem,
      met: Type.Boolean(),
      lack: Type.Optional(Type.String({ description: 'why it is not met, in words' })),
      attestation: Type.Optional(Attestation),
    }),
  ),
});
export type PolicyEvidence = Static<typeof PolicyEvidence>;

export const findingStates = ['open', 'resolved', 'accepted'] as const;

/** What somebody found wrong with a version. */
export const Finding = strict({
  id: Id,
  modelVersion: Id,
  severity: oneOf(findingSeverities),
  statement: Type.String(),
  owner: Actor,
  dueAt: Type.Optional(Instant),
  overdue: Type.Optional(Type.Boolean({ description: 'open after its due date' })),
  toldOverdueAt: Type.Optional(Type.Unsafe<string>({ ...Instant, description: 'when it was told that it is overdue' })),
  state: oneOf(findingStates),
  ending: Type.Optional(strict({ statement: Type.String(), by: Actor, at: Instant })),
  foundBy: Actor,
  foundAt: Instant,
});
export type Finding = Static<typeof Finding>;

/** Something that waits for a person on the way of a version to production. */
export const WantedSignOff = strict({
  key: Type.String({ description: 'the same as long as the same thing waits' }),
  what: oneOf(['certify', 'approve', 'answer', 'finding']),
  text: Type.String(),
  modelVersion: Id,
  environment: Type.Optional(Name),
  report: Type.Optional(Type.Unsafe<string>({ ...Id, description: 'the report of application tests to be read' })),
  item: Type.Optional(Type.String({ description: 'of the policy' })),
  finding: Type.Optional(Id),
  dueAt: Type.Optional(Type.Unsafe<string>({ ...Instant, description: 'of a finding' })),
  overdue: Type.Optional(Type.Boolean({ description: 'a finding that is open after its due date' })),
  role: Type.Optional(Role),
  owner: Type.Optional(Actor),
  since: Instant,
});
export type WantedSignOff = Static<typeof WantedSignOff>;

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
  policies: Type.Optional(Type.Array(PolicyReference, { description: 'that it was given under' })),
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
  policy: Type.Optional(PolicyReference),
  ready: Type.Boolean(),
  missing: Type.Array(
    strict({
      gate: Type.String(),
      reason: Type.String(),
      refused: Type.Optional(Type.Literal(true, { description: 'somebody has said no: it does not come by waiting' })),
    }),
  ),
  executesCodeOnLoad: Type.Optional(Type.Boolean({ description: 'loading it executes code that came in its files' })),
});
export type Readiness = Static<typeof Readiness>;
