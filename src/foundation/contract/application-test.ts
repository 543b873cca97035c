import { Type, type Static } from 'typebox';
import { Actor, Check, Digest, Id, Instant, Name, strict } from './common.ts';

export const LoadFigures = strict({
  requests: Type.Integer(),
  errors: Type.Integer(),
  durationMs: Type.Number(),
  ratePerSecond: Type.Number(),
  p50Ms: Type.Number(),
  p95Ms: Type.Number(),
  p99Ms: Type.Number(),
  maxMs: Type.Number(),
});
export type LoadFigures = Static<typeof LoadFigures>;

/** What application tests in a production-like environment found, over the network. */
export const ApplicationTestReport = strict({
  id: Id,
  digest: Digest,
  modelVersion: Id,
  package: Digest,
  environment: Name,
  generation: Type.Integer(),
  checks: Type.Array(Check),
  load: Type.Optional(LoadFigures),
  accuracy: Type.Optional(strict({ dataset: Digest, rows: Type.Integer(), metrics: Type.Record(Type.String(), Type.Number()) })),
  passed: Type.Boolean(),
  startedAt: Instant,
  endedAt: Instant,
  startedBy: Actor,
});
export type ApplicationTestReport = Static<typeof ApplicationTestReport>;
