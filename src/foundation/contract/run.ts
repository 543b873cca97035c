import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Measured, Name, oneOf, strict } from './common.ts';

const Scalar = Type.Union([Type.Number(), Type.String(), Type.Boolean()]);
export const Parameters = Type.Record(Type.String(), Scalar);
export type Parameters = Static<typeof Parameters>;

export const runStatuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
export const Experiment = strict({ id: Type.String(), name: Type.String(), createdAt: Instant });
export type Experiment = Static<typeof Experiment>;

export const MetricPoint = strict({
  key: Type.String(),
  value: Measured,
  step: Type.Integer(),
  timestamp: Type.Integer(),
});
export type MetricPoint = Static<typeof MetricPoint>;

/** Where a run's code came from: the user's own repository. */
export const CodeVersion = strict({
  commit: Type.Union([Type.String(), Type.Null()], { description: 'null: the project is in no git repository' }),
  dirty: Type.Boolean(),
  patch: Type.Optional(Digest),
});
export type CodeVersion = Static<typeof CodeVersion>;

export const Environment = strict({
  gyre: Type.String(),
  node: Type.String(),
  platform: Type.String(),
  lock: Digest,
});
export type Environment = Static<typeof Environment>;

export const Run = strict({
  id: Id,
  experiment: Type.String(),
  name: Type.String(),
  status: oneOf(runStatuses),
  trainer: Type.Optional(Type.String()),
  study: Type.Optional(Id),
  trial: Type.Optional(Type.Integer()),
  parameters: Parameters,
  metrics: Type.Record(Type.String(), Type.Number(), { description: 'the last value of each metric' }),
  tags: Type.Record(Type.String(), Type.String()),
  seed: Type.Optional(Type.Integer()),
  inputs: Type.Array(strict({ role: Type.String(), digest: Digest, name: Type.String() }), {
    description: 'dataset versions and transform, with what each was for',
  }),
  code: CodeVersion,
  environment: Type.Optional(Environment),
  startedAt: Instant,
  endedAt: Type.Optional(Instant),
  error: Type.Optional(Type.String()),
  createdBy: Actor,
});
export type Run = Static<typeof Run>;

/** A file that a run or a logged model left. */
export const ArtifactFile = strict({
  path: Type.String(),
  digest: Digest,
  size: Type.Integer({ description: 'bytes' }),
});
export type ArtifactFile = Static<typeof ArtifactFile>;

/** What stands in a folder of a run's files. */
export const ArtifactEntry = Type.Union([
  strict({ kind: Type.Literal('file'), ...ArtifactFile.properties }),
  strict({ kind: Type.Literal('folder'), path: Type.String() }),
]);
export type ArtifactEntry = Static<typeof ArtifactEntry>;

export const Study = strict({
  id: Id,
  name: Name,
  trainer: Type.String(),
  algorithm: Type.String(),
  metric: Type.String(),
  higherIsBetter: Type.Boolean(),
  seed: Type.Integer(),
  trials: Type.Integer(),
  bestRun: Type.Optional(Id),
  createdAt: Instant,
});
export type Study = Static<typeof Study>;
