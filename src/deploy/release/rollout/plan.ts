import type { RolloutCheck, RolloutPlan } from '#contract';

/** What a rollout does next, and why. */
export type Move =
  | { readonly move: 'wait'; readonly why: string }
  | { readonly move: 'fail'; readonly why: string }
  | { readonly move: 'step'; readonly step: number }
  | { readonly move: 'promote' };

/**
 * What follows from what was found at a step: a failed check ends it at once; when its time is over and all checks are passed the next one comes,
 * and after the last all of the traffic.
 */
export function nextMove({
  plan,
  step,
  elapsedMs,
  checks,
}: {
  readonly plan: RolloutPlan;
  readonly step: number;
  /** Since the step began. */
  readonly elapsedMs: number;
  readonly checks: readonly RolloutCheck[];
}): Move {
  const failed = checks.filter(({ state }) => state === 'failed');
  if (failed.length > 0) return { move: 'fail', why: failed.map(({ message }) => message).join('; ') };
  const leftMs = plan.steps[step].forMs - elapsedMs;
  if (leftMs > 0) return { move: 'wait', why: `the step has ${Math.ceil(leftMs / 1000)} s left` };
  const waiting = checks.filter(({ state }) => state === 'waiting');
  if (waiting.length > 0) return { move: 'wait', why: waiting.map(({ message }) => message).join('; ') };
  return step + 1 < plan.steps.length ? { move: 'step', step: step + 1 } : { move: 'promote' };
}
