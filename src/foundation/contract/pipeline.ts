import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';

export const stepStates = ['waiting', 'running', 'succeeded', 'cached', 'failed', 'cancelled', 'skipped'] as const;
export const StepRun = strict({
  id: Id,
  pipelineRun: Id,
  step: Type.String(),
  kind: Type.String({ description: 'the handler that executes it, such as data.ingest' }),
  state: oneOf(stepStates),
  cacheKey: Type.Optional(Digest),
  after: Type.Array(Type.String(), { description: 'the steps that have to be done before' }),
  attempt: Type.Integer({ description: 'how often it was started; 0: not yet' }),
  reusedFrom: Type.Optional(Id),
  inputs: Type.Record(Type.String(), Type.Unknown()),
  outputs: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'ids and digests of the records that it left' })),
  summary: Type.Optional(Type.String({ description: 'one line for a person' })),
  error: Type.Optional(Type.String()),
  startedAt: Type.Optional(Instant),
  endedAt: Type.Optional(Instant),
});
export type StepRun = Static<typeof StepRun>;

export const PipelineRun = strict({
  id: Id,
  pipeline: Name,
  state: oneOf(['waiting', 'running', 'succeeded', 'failed', 'cancelled']),
  parameters: Type.Record(Type.String(), Type.Unknown()),
  steps: Type.Array(StepRun),
  reason: Type.String(),
  createdBy: Actor,
  createdAt: Instant,
  endedAt: Type.Optional(Instant),
  stalled: Type.Optional(
    Type.String({ description: 'why it does not go on at the moment: what happened to it could not be written; it is tried again' }),
  ),
});
export type PipelineRun = Static<typeof PipelineRun>;
