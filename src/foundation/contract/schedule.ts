import { Type, type Static } from 'typebox';
import { Id, Instant, Name, oneOf, strict } from './common.ts';
import { PipelineRun } from './pipeline.ts';

const Cron = Type.String({ minLength: 1, description: 'minute, hour, day of month, month, day of week: "0 6 * * *" is every day at six' });

/** When a dataset is ingested by itself. */
export const ScheduleSpec = Type.Union([
  Cron,
  strict({
    cron: Cron,
    timezone: Type.Optional(Type.String({ minLength: 1, description: 'such as Europe/Rome; default UTC' })),
    run: Type.Optional(
      oneOf(['ingest', 'build'], { description: 'ingest (default): read and check the data; build: go on to a registered version' }),
    ),
  }),
]);
export type ScheduleSpec = Static<typeof ScheduleSpec>;

/** A schedule as it stands. */
export const Schedule = strict({
  name: Name,
  cron: Type.String(),
  timezone: Type.String(),
  run: oneOf(['ingest', 'build']),
  paused: Type.Boolean(),
  nextDue: Type.Optional(Instant),
  lastDue: Type.Optional(Type.String({ format: 'date-time', description: 'the instant that the newest run was due at' })),
  lastRun: Type.Optional(Id),
  lastState: Type.Optional(PipelineRun.properties.state),
  missed: Type.Optional(
    Type.Integer({ description: 'how many runs the newest one stands for beside itself, because nobody was there to start them' }),
  ),
  error: Type.Optional(Type.String({ description: 'why the newest run could not be started' })),
});
export type Schedule = Static<typeof Schedule>;
