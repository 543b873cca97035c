import { Type, type Static } from 'typebox';
import { Name, strict } from './common.ts';

const Share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
const Positive = (description: string) => Type.Number({ exclusiveMinimum: 0, description });

/** What application tests are held to, as `gyre.yaml` has it. */
export const ApplicationTestSpec = strict({
  latencyP99Ms: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  requestsPerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  durationMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  robustness: Type.Optional(
    strict(
      {
        changed: Type.Optional(Share('share of rows that may get another class, of noise, missing values and the like')),
        drop: Type.Optional(Share('by how much accuracy (of a regression: R²) may fall')),
      },
      { description: 'limits for rows and pictures with something changed; without them the figures are shown and nothing is asked' },
    ),
  ),
  saturation: Type.Optional(
    strict({
      atLeastPerSecond: Type.Optional(Positive('requests a second that a data plane has to bear on this machine')),
      mostPerSecond: Type.Optional(Positive('more is never offered; default 2000')),
      stepMs: Type.Optional(Positive('how long each rate is offered; default 2000')),
    }),
  ),
  soak: Type.Optional(
    strict({
      durationMs: Type.Optional(Positive('default 30000')),
      growthMiB: Type.Optional(Positive('by how much memory may grow meanwhile')),
    }),
  ),
  footprint: Type.Optional(
    strict({
      startMs: Type.Optional(Positive('from the start of its process until a data plane is ready')),
      residentMiB: Type.Optional(Positive('memory of a data plane that has answered its first requests')),
      packageMiB: Type.Optional(Positive('of all files of the package')),
    }),
  ),
  explanations: Type.Optional(
    strict({ agreement: Type.Optional(Share('the least median rank correlation of a row’s explanation with that of a row beside it')) }),
  ),
  validation: Type.Optional(
    Type.Record(
      Name,
      strict({
        gates: Type.Optional(Type.Array(Type.String(), { description: 'such as "accuracy >= 0.75" or "accuracy by Contract >= 0.65"' })),
      }),
      { description: 'further datasets of the project, by name: the newest version of each is sent as well' },
    ),
  ),
  production: Type.Optional(
    strict({
      rows: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000, description: 'requests that are asked again; default 300' })),
      changed: Type.Optional(Share('share of them that may get another class than from the version in production')),
      drop: Type.Optional(Share('by how much accuracy (of a regression: R²) may be below production’s where it is known what was true')),
    }),
  ),
  comparison: Type.Optional(
    strict({ changed: Type.Optional(Share('share of rows that may get another class than from the version in production')) }),
  ),
});
export type ApplicationTestSpec = Static<typeof ApplicationTestSpec>;
