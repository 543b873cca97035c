import { Type, type Static } from 'typebox';
import {
  ErrorCase,
  ExplanationsFinding,
  FootprintFinding,
  ProductionComparison,
  ProductionFinding,
  Requirement,
  RobustnessFinding,
  SaturationFinding,
  SoakFinding,
  ValidationFinding,
  testProfiles,
} from './application-findings.ts';
import { Actor, Check, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';
import { Fairness, Slice } from './test-report.ts';

export const LoadFigures = strict({
  requests: Type.Integer(),
  errors: Type.Integer(),
  durationMs: Type.Number(),
  ratePerSecond: Type.Number(),
  p50Ms: Type.Number(),
  p95Ms: Type.Number(),
  p99Ms: Type.Number(),
  maxMs: Type.Number(),
  lateP99Ms: Type.Optional(Type.Number({ description: 'how late 99 of 100 requests left at most: the generator’s own delay' })),
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
  profile: Type.Optional(oneOf(testProfiles)),
  requirements: Type.Optional(Type.Array(Requirement)),
  slices: Type.Optional(Type.Array(Slice)),
  fairness: Type.Optional(Type.Array(Fairness)),
  errors: Type.Optional(Type.Array(ErrorCase, { description: 'rows on which it was wrong, the surest first' })),
  robustness: Type.Optional(Type.Array(RobustnessFinding)),
  footprint: Type.Optional(FootprintFinding),
  saturation: Type.Optional(SaturationFinding),
  soak: Type.Optional(SoakFinding),
  comparison: Type.Optional(ProductionComparison),
  validation: Type.Optional(Type.Array(ValidationFinding)),
  production: Type.Optional(ProductionFinding),
  explanations: Type.Optional(ExplanationsFinding),
  passed: Type.Boolean(),
  startedAt: Instant,
  endedAt: Instant,
  startedBy: Actor,
});
export type ApplicationTestReport = Static<typeof ApplicationTestReport>;
