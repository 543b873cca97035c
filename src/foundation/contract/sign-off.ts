import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';

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
});
export type Approval = Static<typeof Approval>;

/** What a version still lacks for an environment: empty means that it may go. */
export const Readiness = strict({
  modelVersion: Id,
  environment: Name,
  ready: Type.Boolean(),
  missing: Type.Array(strict({ gate: Type.String(), reason: Type.String() })),
  executesCodeOnLoad: Type.Optional(Type.Boolean({ description: 'loading it executes code that came in its files' })),
});
export type Readiness = Static<typeof Readiness>;
