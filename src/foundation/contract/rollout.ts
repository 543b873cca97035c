import { Type, type Static } from 'typebox';
import { AnswerTotals } from './answer-totals.ts';
import { Actor, Digest, Id, Instant, Measured, Name, oneOf, strict } from './common.ts';

const Share = Type.Number({ minimum: 0, maximum: 1 });

/** What a version is held to at each step of its rollout. */
export const RolloutAnalysis = strict({
  minRequests: Type.Integer({ minimum: 1 }),
  maxErrorRate: Type.Optional(Type.Number()),
  maxErrorRateIncrease: Type.Optional(Type.Number()),
  maxLatencyP99Ms: Type.Optional(Type.Number()),
  maxLatencyFactor: Type.Optional(Type.Number()),
  maxDistributionDistance: Type.Optional(Type.Number()),
  maxDisagreement: Type.Optional(Type.Number()),
});
export type RolloutAnalysis = Static<typeof RolloutAnalysis>;

export const RolloutStep = strict({
  weight: Share,
  shadow: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'share of requests that it is asked as a shadow' })),
  forMs: Type.Integer({ minimum: 0, description: 'how long at least' }),
});
export type RolloutStep = Static<typeof RolloutStep>;

/** How a version comes to an environment, with every default settled. After the last step comes all of the traffic. */
export const RolloutPlan = strict({
  strategy: oneOf(['canary', 'shadow']),
  steps: Type.Array(RolloutStep, { minItems: 1 }),
  sticky: Type.Optional(Type.String({ description: 'the header whose value always gets the same version' })),
  analysis: RolloutAnalysis,
  onFailure: oneOf(['rollback', 'pause']),
});
export type RolloutPlan = Static<typeof RolloutPlan>;

/** One thing that a version is held to, with what was found. */
export const RolloutCheck = strict({
  name: Type.String(),
  state: oneOf(['passed', 'waiting', 'failed']),
  unit: oneOf(['requests', 'restarts', 'share', 'ms', 'distance']),
  observed: Measured,
  /** The same of the version that is live, where it is compared with that. */
  compared: Type.Optional(Measured),
  wanted: Type.String(),
  message: Type.String(),
});
export type RolloutCheck = Static<typeof RolloutCheck>;

export const rolloutStates = ['running', 'paused', 'promoted', 'rolled_back', 'aborted'] as const;

/** A version on its way to all of an environment’s traffic. */
export const Rollout = strict({
  id: Id,
  environment: Name,
  endpoint: Name,
  modelVersion: Id,
  package: Digest,
  /** What was live when it began, and what a rollback comes to. */
  stable: Id,
  plan: RolloutPlan,
  state: oneOf(rolloutStates),
  step: Type.Integer({ minimum: 0, description: 'of the plan: the one that is live, or that comes next' }),
  stepStartedAt: Type.Optional(Instant),
  weight: Share,
  /** What both have answered since the step began, as far as it was read. */
  observed: strict({
    stable: AnswerTotals,
    candidate: AnswerTotals,
    restarts: Type.Optional(Type.Integer({ minimum: 0, description: 'how often the data plane began again' })),
  }),
  checks: Type.Array(RolloutCheck),
  reason: Type.String(),
  startedBy: Actor,
  startedAt: Instant,
  endedAt: Type.Optional(Instant),
  /** Everything that was done, in order. */
  history: Type.Array(
    strict({
      at: Instant,
      what: oneOf(['step', 'paused', 'resumed', 'promoted', 'rolled_back', 'aborted']),
      weight: Share,
      generation: Type.Optional(Type.Integer()),
      by: Actor,
      why: Type.String(),
      tookMs: Type.Optional(Type.Integer({ description: 'from the decision until the data plane had it' })),
    }),
  ),
});
export type Rollout = Static<typeof Rollout>;
