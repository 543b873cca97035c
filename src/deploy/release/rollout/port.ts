import type { Actor, Rollout, RolloutPlan } from '#contract';
import type { RolloutFilter } from './rollout-store.ts';

export interface StartRollout {
  readonly environment: string;
  /** The model version's id. */
  readonly modelVersion: string;
  /** Left out: as the environment says. */
  readonly plan?: RolloutPlan;
  readonly reason: string;
  readonly by: Actor;
}

export interface DecideRollout {
  /** The rollout's id. */
  readonly id: string;
  readonly reason: string;
  readonly by: Actor;
}

/** Versions that come to an environment's traffic step by step, and what decides about them. */
export interface Rollouts {
  /**
   * Gives a version the first share of an environment's traffic. Gates are judged here and before each step up.
   * @throws GyreError FAILED_PRECONDITION when nothing is live there, when there is no plan, when both do not answer alike, or naming every gate
   *   that is not passed; ABORTED when another rollout or switch is under way, with who began it and when
   */
  start(request: StartRollout): Promise<Rollout>;
  /** Stops where it is: what has a share of the traffic keeps it. @throws GyreError FAILED_PRECONDITION when it is not running */
  pause(request: DecideRollout): Promise<Rollout>;
  /** Begins the step again, with nothing observed. @throws GyreError FAILED_PRECONDITION when it is not paused */
  resume(request: DecideRollout): Promise<Rollout>;
  /** Gives it all of the traffic now, whatever its checks say. @throws GyreError FAILED_PRECONDITION when it has ended or a gate is not passed */
  promote(request: DecideRollout): Promise<Rollout>;
  /** Gives all of the traffic back to the version before, which is loaded still. @throws GyreError FAILED_PRECONDITION when it has ended */
  rollBack(request: DecideRollout): Promise<Rollout>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<Rollout>;
  /** The newest first. */
  list(filter?: RolloutFilter): Promise<readonly Rollout[]>;
  /**
   * Looks at every rollout that is running once, and does what follows: nothing, the next step, promotion, pause or rollback.
   * @param by who acts @returns what could not be done, and is tried again later
   */
  advance(by: Actor): Promise<readonly { readonly rollout: string; readonly reason: string }[]>;
}
