import { Type, type Static } from 'typebox';
import { Actor, Digest, Instant, oneOf, strict } from './common.ts';

/** One entry of the append-only log; `hash` = SHA-256 over the canonical JSON of the entry without it, `previous` included. */
export const AuditEntry = strict({
  position: Type.Integer(),
  time: Instant,
  actor: Actor,
  action: Type.String({ description: 'the event type' }),
  subject: Type.String(),
  reason: Type.Optional(Type.String()),
  data: Type.Record(Type.String(), Type.Unknown()),
  event: Type.String(),
  previous: Digest,
  hash: Digest,
});
export type AuditEntry = Static<typeof AuditEntry>;

export const AuditVerification = strict({
  entries: Type.Integer(),
  intact: Type.Boolean(),
  firstBroken: Type.Optional(Type.Integer()),
  head: Digest,
  message: Type.String(),
});
export type AuditVerification = Static<typeof AuditVerification>;

export const TraceLink = strict({
  kind: oneOf([
    'prediction',
    'label',
    'deployment',
    'manifest',
    'model_version',
    'package',
    'test_report',
    'run',
    'transform',
    'dataset_version',
    'rows_file',
    'source',
    'charter',
    'code',
    'application_test',
    'certification',
    'approval',
    'alert',
    'action',
    'pipeline_run',
  ]),
  id: Type.String(),
  digest: Type.Optional(Digest),
  title: Type.String({ description: 'a sentence: what it is and the figure that matters' }),
  by: Type.Optional(Actor),
  at: Type.Optional(Instant),
  verified: Type.Optional(Type.Boolean({ description: 'the bytes were read again and have this digest' })),
});
export type TraceLink = Static<typeof TraceLink>;
export const Trace = strict({
  of: strict({ kind: Type.String(), id: Type.String() }),
  links: Type.Array(TraceLink),
  complete: Type.Boolean(),
  missing: Type.Array(Type.String()),
});
export type Trace = Static<typeof Trace>;

export const Reproduction = strict({
  modelVersion: Type.String(),
  run: Type.String(),
  identical: Type.Boolean(),
  expected: Digest,
  actual: Type.Optional(Digest),
  workers: Type.Integer(),
  differences: Type.Array(Type.String()),
  durationMs: Type.Number(),
});
export type Reproduction = Static<typeof Reproduction>;
