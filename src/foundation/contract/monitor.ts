import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Interval, Measured, Name, oneOf, strict } from './common.ts';

export const ColumnDrift = strict({
  column: Type.String(),
  kind: oneOf(['number', 'text', 'prediction']),
  test: Type.String({ description: 'the statistical test, such as ks or chi_squared' }),
  statistic: Type.Number(),
  pValue: Type.Number(),
  adjustedPValue: Type.Number({ description: 'Benjamini-Hochberg over the columns of the window' }),
  psi: Type.Number({ description: 'effect size: population stability index' }),
  drifted: Type.Boolean(),
});
export type ColumnDrift = Static<typeof ColumnDrift>;

export const IntegrityFinding = strict({
  kind: oneOf(['missing', 'unseen_category', 'out_of_range', 'type']),
  column: Type.String(),
  rows: Type.Integer(),
  share: Type.Number(),
  example: Type.Union([Type.String(), Type.Number(), Type.Null()]),
});
export type IntegrityFinding = Static<typeof IntegrityFinding>;

export const WindowMetric = strict({
  name: Type.String(),
  value: Measured,
  interval: Type.Optional(Interval),
  threshold: Type.Optional(Type.String()),
  met: Type.Optional(Type.Boolean()),
});
export type WindowMetric = Static<typeof WindowMetric>;

/** One window of one endpoint's predictions, judged; computed again when late labels arrive (`revision` grows). */
export const Window = strict({
  id: Id,
  environment: Name,
  endpoint: Name,
  start: Instant,
  end: Instant,
  revision: Type.Integer(),
  modelVersions: Type.Array(Id),
  modelVersion: Type.Optional(
    Type.String({ description: 'the version that drift and performance speak of: the one that served most of the rows' }),
  ),
  rows: Type.Integer(),
  labelled: Type.Integer(),
  latency: strict({ p50Ms: Measured, p99Ms: Measured }),
  integrity: Type.Array(IntegrityFinding),
  drift: Type.Array(ColumnDrift),
  driftedColumns: Type.Array(Type.String()),
  predictionDrift: Type.Optional(ColumnDrift),
  performance: Type.Array(WindowMetric),
  judged: Type.Boolean({ description: 'false: fewer rows than the monitor asks for' }),
  rowsFile: Type.Optional(Digest),
  computedAt: Instant,
});
export type Window = Static<typeof Window>;

export const alertKinds = ['performance', 'drift', 'prediction_drift', 'integrity', 'latency'] as const;
export const alertStates = ['open', 'acknowledged', 'resolved'] as const;
export const Alert = strict({
  id: Id,
  kind: oneOf(alertKinds),
  state: oneOf(alertStates),
  environment: Name,
  endpoint: Name,
  modelVersion: Id,
  title: Type.String(),
  cause: Type.String({ description: 'a sentence: which columns, how much, since when' }),
  metric: Type.Optional(Type.String()),
  observed: Measured,
  threshold: Type.String(),
  columns: Type.Array(strict({ column: Type.String(), psi: Type.Number(), adjustedPValue: Type.Number() })),
  since: Instant,
  firstWindow: Id,
  lastWindow: Id,
  windows: Type.Integer({ description: 'how many windows in a row crossed the threshold' }),
  raisedAt: Instant,
  acknowledgedAt: Type.Optional(Instant),
  acknowledgedBy: Type.Optional(Actor),
  resolvedAt: Type.Optional(Instant),
  resolution: Type.Optional(Type.String({ description: 'a sentence: which window showed that it is over, and how' })),
});
export type Alert = Static<typeof Alert>;

export const actionKinds = ['notify', 'retrain', 'roll_back'] as const;
export const Action = strict({
  id: Id,
  kind: oneOf(actionKinds),
  alert: Type.Optional(Id),
  state: oneOf(['waiting', 'started', 'succeeded', 'failed', 'skipped'], {
    description: '`waiting`: for labelled rows enough to retrain on',
  }),
  reason: Type.String(),
  pipelineRun: Type.Optional(Id),
  outcome: Type.Optional(Type.String()),
  startedAt: Instant,
  startedBy: Type.Optional(Actor),
  endedAt: Type.Optional(Instant),
});
export type Action = Static<typeof Action>;
