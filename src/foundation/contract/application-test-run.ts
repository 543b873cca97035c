import { Type, type Static } from 'typebox';
import { testProfiles } from './application-findings.ts';
import { batchStates } from './batch.ts';
import { Actor, Id, Instant, Name, oneOf, strict } from './common.ts';

/** A run of application tests that was asked for. */
export const ApplicationTestRequest = strict({
  environment: Name,
  profile: Type.Optional(oneOf(testProfiles, { description: 'quick (default): seconds; full: minutes' })),
});
export type ApplicationTestRequest = Static<typeof ApplicationTestRequest>;

/** A run of application tests: what it is at, and what came of it. */
export const ApplicationTestRun = strict({
  id: Id,
  state: oneOf(batchStates),
  environment: Name,
  profile: oneOf(testProfiles),
  modelVersion: Type.Optional(Type.String({ description: 'that was live there when it was asked for' })),
  stage: Type.Optional(Type.String({ description: 'what is asked just now' })),
  report: Type.Optional(Id),
  passed: Type.Optional(Type.Boolean()),
  error: Type.Optional(Type.String()),
  code: Type.Optional(Type.String()),
  queuedAt: Instant,
  startedAt: Type.Optional(Instant),
  finishedAt: Type.Optional(Instant),
  by: Actor,
});
export type ApplicationTestRun = Static<typeof ApplicationTestRun>;
