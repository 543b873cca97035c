import { Type, type Static } from 'typebox';
import { Duration, oneOf, strict } from './common.ts';

const Share = Type.Union(
  [Type.Number({ exclusiveMinimum: 0, maximum: 1 }), Type.String({ pattern: '^(?!0+(\\.0*)?\\s*%)(100|[0-9]{1,2}(\\.[0-9]+)?)\\s*%$' })],
  { description: 'such as 5% or 0.05' },
);
const Limit = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }));

/** What a version is held to while it takes traffic, as `gyre.yaml` has it; what is left out is not asked, but for the three that have a default. */
export const RolloutAnalysisSpec = strict({
  minRequests: Type.Optional(Type.Integer({ minimum: 1, description: 'fewer say nothing good; default 100' })),
  maxErrorRate: Limit('share of its requests that may fail'),
  maxErrorRateIncrease: Limit('by how much that share may lie above the one of the version that is live; default 0.01'),
  maxLatencyP99Ms: Limit('within which 99 % of its answers come'),
  maxLatencyFactor: Limit('how many times as long as the version that is live it may take, at the 99th percentile; default 3'),
  maxDistributionDistance: Limit(
    'population stability index between its predictions and those of the version that is live; default 0.25, for a shadow as well',
  ),
  maxDisagreement: Limit('of a shadow: share of requests that it may answer otherwise'),
});

const rollMembers = {
  sticky: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9][a-z0-9-]{0,60}$',
      description: 'the header, in lower case, whose value always gets the same version; default: the key that requests name',
    }),
  ),
  analysis: Type.Optional(RolloutAnalysisSpec),
  onFailure: Type.Optional(oneOf(['rollback', 'pause'], { description: 'what a failed check leads to; default rollback' })),
};

/** How an environment comes to a version, as `gyre.yaml` has it. */
export const RollSpec = Type.Union(
  [
    Type.Array(Share, { minItems: 1, description: 'shares of the traffic, one after the other, ten minutes each' }),
    strict({
      strategy: oneOf(['canary']),
      steps: Type.Array(
        strict({
          weight: Share,
          for: Type.Optional(Type.Union([Duration], { description: 'how long at least; default 10m' })),
        }),
        { minItems: 1, description: 'rising shares of the traffic; after the last one comes all of it' },
      ),
      ...rollMembers,
    }),
    strict({
      strategy: oneOf(['shadow']),
      for: Type.Optional(Type.Union([Duration], { description: 'how long at least; default 10m' })),
      sample: Type.Optional(Share),
      ...rollMembers,
    }),
    strict({ strategy: oneOf(['all'], { description: 'at once, as without `roll`' }) }),
  ],
  { description: 'how a version comes here; left out: at once' },
);
export type RollSpec = Static<typeof RollSpec>;
