import { Type, type Static } from 'typebox';
import { Id, Instant, Measured, ModelName, Name, oneOf, strict } from './common.ts';

/** What a version waits for on its way, in order. */
export const deliveryStages = ['build', 'test', 'certify', 'approve', 'release'] as const;
export type DeliveryStage = (typeof deliveryStages)[number];

const Ms = Type.Number({ minimum: 0 });

/** One version that came to an environment, or was taken back on its way. */
export const DeliveredChange = strict({
  /** The deployment that brought all of the traffic, or the rollout that was taken back before. */
  deployment: Type.Optional(Id),
  rollout: Type.Optional(Id),
  modelVersion: Id,
  model: ModelName,
  version: Type.Integer(),
  at: Instant,
  leadTimeMs: Type.Optional(Ms),
  stages: Type.Partial(strict({ build: Ms, test: Ms, certify: Ms, approve: Ms, release: Ms })),
  failed: Type.Boolean({ description: 'it was rolled back' }),
  restoreMs: Type.Optional({ ...Ms, description: 'from the switch that brought it to the end of the rollback' }),
});
export type DeliveredChange = Static<typeof DeliveredChange>;

const Figures = {
  changes: Type.Integer({ minimum: 0 }),
  failures: Type.Integer({ minimum: 0 }),
  leadTimeMs: Measured,
  changeFailureRate: Measured,
  restoreMs: Measured,
};

/** DORA's four figures of an environment; times are medians, null where nothing was to be measured. */
export const DeliveryMetrics = strict({
  environment: Name,
  from: Instant,
  to: Instant,
  ...Figures,
  perWeek: Type.Number({ minimum: 0, description: 'deployment frequency' }),
  stages: Type.Array(strict({ stage: oneOf(deliveryStages), medianMs: Ms, changes: Type.Integer() })),
  trend: Type.Array(strict({ from: Instant, ...Figures }), { description: 'by weeks, the oldest first' }),
  latest: Type.Array(DeliveredChange, { description: 'the newest first, at most 100' }),
});
export type DeliveryMetrics = Static<typeof DeliveryMetrics>;
