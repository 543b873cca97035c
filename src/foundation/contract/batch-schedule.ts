import { Type, type Static } from 'typebox';
import { BatchRequestBody, batchStates } from './batch.ts';
import { Actor, Id, Instant, Name, oneOf, strict } from './common.ts';

const Cron = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'minute, hour, day of month, month, day of week: "0 6 * * *" is every day at six',
});
const Timezone = Type.String({ minLength: 1, maxLength: 100, description: 'such as Europe/Rome; default UTC' });

/**
 * What is predicted by the clock. In the request's input, query, output and tables, `{date}` and `{time}` stand for the instant at which
 * it is due, in the time zone (2026-11-30, 0600), `{until}` for that instant in UTC, and `{since}` for the `{until}` of the last run that finished.
 */
export const BatchScheduleBody = strict({
  cron: Cron,
  timezone: Type.Optional(Timezone),
  request: BatchRequestBody,
});
export type BatchScheduleBody = Static<typeof BatchScheduleBody>;

/** The same under `serve.batch` in gyre.yaml; the model is what is live in the last environment, unless another is named. */
export const BatchScheduleSpec = strict({
  schedule: Type.Union([Cron, strict({ cron: Cron, timezone: Type.Optional(Timezone) })]),
  ...BatchRequestBody.properties,
  model: Type.Optional(BatchRequestBody.properties.model),
});
export type BatchScheduleSpec = Static<typeof BatchScheduleSpec>;

/** A batch prediction by the clock, as it stands. */
export const BatchSchedule = strict({
  name: Name,
  cron: Type.String(),
  timezone: Type.String(),
  request: BatchRequestBody,
  from: oneOf(['people', 'project'], { description: 'whether people set it, or gyre.yaml does' }),
  by: Type.Optional(Actor),
  setAt: Type.Optional(Instant),
  paused: Type.Boolean(),
  nextDue: Type.Optional(Instant),
  lastDue: Type.Optional(Type.String({ format: 'date-time', description: 'the instant that the newest run was due at' })),
  lastRun: Type.Optional(Id),
  lastState: Type.Optional(oneOf(batchStates)),
  lastError: Type.Optional(Type.String({ description: 'why the newest run failed' })),
  missed: Type.Optional(
    Type.Integer({ description: 'how many runs the newest one stands for beside itself, because nobody was there to start them' }),
  ),
  error: Type.Optional(Type.String({ description: 'why the newest run could not be started' })),
});
export type BatchSchedule = Static<typeof BatchSchedule>;
