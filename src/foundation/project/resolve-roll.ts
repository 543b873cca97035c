import type { RollSpec, RolloutPlan, RolloutStep } from '#contract';
import { parseDuration } from './conditions.ts';

const usualStepMs = 10 * 60_000;
/** What is asked where a project says nothing else. 0.25: from there on a population is called shifted (Siddiqi 2006). */
const usualAnalysis = { minRequests: 100, maxErrorRateIncrease: 0.01, maxLatencyFactor: 3, maxDistributionDistance: 0.25 } as const;

/**
 * How an environment comes to a version; undefined: at once.
 * @param usual what holds where `roll` says nothing: an environment's plan, for a rollout that is asked for otherwise
 */
export function resolveRoll(roll: RollSpec | undefined, usual?: RolloutPlan): RolloutPlan | undefined {
  const { analysis: usuallyAsked = usualAnalysis, onFailure: usually = 'rollback', sticky: usuallyBy } = usual ?? {};
  const stuck = (sticky = usuallyBy): Pick<RolloutPlan, 'sticky'> => (sticky === undefined ? {} : { sticky });
  if (roll === undefined) return undefined;
  if (Array.isArray(roll)) {
    const steps = stepsOf(roll.map((weight) => ({ weight })));
    return steps.length === 0 ? undefined : { strategy: 'canary', steps, ...stuck(), analysis: usuallyAsked, onFailure: usually };
  }
  if (roll.strategy === 'all') return undefined;
  const { sticky, analysis, onFailure = usually } = roll;
  const shared = { ...stuck(sticky), analysis: { ...usuallyAsked, ...analysis }, onFailure };
  if (roll.strategy === 'shadow') {
    const forMs = roll.for === undefined ? usualStepMs : parseDuration(roll.for);
    const shadow = roll.sample === undefined ? 1 : shareOf(roll.sample);
    return { strategy: 'shadow', steps: [{ weight: 0, shadow, forMs }], ...shared };
  }
  const steps = stepsOf(roll.steps);
  return steps.length === 0 ? undefined : { strategy: 'canary', steps, ...shared };
}

/** The steps before all of the traffic, which always comes last. */
function stepsOf(steps: readonly { readonly weight: number | string; readonly for?: string }[]): RolloutStep[] {
  return steps
    .map((step) => ({ weight: shareOf(step.weight), forMs: step.for === undefined ? usualStepMs : parseDuration(step.for) }))
    .filter(({ weight }) => weight < 1);
}

/** @param share such as 0.05 or `5%` */
export function shareOf(share: number | string): number {
  return typeof share === 'number' ? share : Number.parseFloat(share) / 100;
}
