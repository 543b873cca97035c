import { Type, type Static } from 'typebox';
import { Id, Instant, Measured, oneOf, strict } from './common.ts';

const loggedModelStates = ['UNSPECIFIED', 'PENDING', 'READY', 'FAILED'] as const;

/** A model that a run logged, before or after anybody registers it. */
export const LoggedModel = strict({
  id: Type.String({ description: '`m-` and 32 hex digits' }),
  experiment: Type.String({ description: 'the experiment’s id' }),
  name: Type.String(),
  type: Type.Optional(Type.String({ description: 'what sort of model, as its logger says it' })),
  status: oneOf(loggedModelStates),
  run: Type.Optional(Id),
  deleted: Type.Boolean(),
  parameters: Type.Record(Type.String(), Type.String()),
  tags: Type.Record(Type.String(), Type.String()),
  metrics: Type.Array(
    strict({
      key: Type.String(),
      value: Measured,
      step: Type.Integer(),
      timestamp: Type.Integer(),
      run: Id,
      dataset: Type.Optional(strict({ name: Type.String(), digest: Type.Optional(Type.String()) })),
    }),
    { description: 'the last value of each metric on each dataset' },
  ),
  artifacts: Type.String({ description: 'where its files lie' }),
  createdAt: Instant,
  updatedAt: Instant,
});
export type LoggedModel = Static<typeof LoggedModel>;

/** A logged model that a run made or used. */
export const RunModel = strict({
  id: Type.String(),
  role: oneOf(['input', 'output']),
  step: Type.Integer(),
  /** Absent: there is no such model in the run's experiment. */
  model: Type.Optional(LoggedModel),
});
export type RunModel = Static<typeof RunModel>;
