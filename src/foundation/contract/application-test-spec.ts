import { Type } from 'typebox';
import { strict } from './common.ts';

/** What application tests are held to, as `gyre.yaml` has it. */
export const ApplicationTestSpec = strict({
  latencyP99Ms: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  requestsPerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  durationMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
});
