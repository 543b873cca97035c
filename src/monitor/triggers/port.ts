import type { Clock, NewId } from '#core';
import type { Action, Actor, Alert, PipelineRun } from '#contract';
import type { Events } from '#events';
import type { Store } from '#store';
import type { Policy } from './policy.ts';
import type { ActionFilter } from './triggers-store.ts';

export interface TriggersDeps {
  readonly store: Store;
  readonly events: Events;
  readonly clock: Clock;
  readonly newId: NewId;
  /** The identity that acts: the platform itself, never a person. */
  readonly actor: Actor;
  /** The project's policy, as it is now. */
  readonly policy: () => Policy;
  /** @throws GyreError NOT_FOUND */
  readonly getAlert: (id: string) => Promise<Alert>;
  /** How many labelled rows an environment's endpoint has since an instant. */
  readonly labelledRows: (alert: Alert) => Promise<number>;
  /**
   * Starts the retraining pipeline for an alert; the same action gives the same pipeline run, however often it is asked for.
   * @throws GyreError FAILED_PRECONDITION, INVALID_ARGUMENT or NOT_FOUND when the project cannot be trained again
   */
  readonly startRetraining: (alert: Alert | undefined, action: Action, by: Actor) => Promise<PipelineRun>;
  readonly getPipelineRun: (id: string) => Promise<PipelineRun>;
  /** One sentence about what a finished retraining came to: the comparison of challenger and champion. */
  readonly outcomeOf: (pipelineRun: string) => Promise<string>;
  /** Switches the alert's environment back to the version before. Asked again for the same alert, it changes nothing. */
  readonly rollBack: (alert: Alert, by: Actor) => Promise<string>;
  /** Tells people: a log line today, mail and webhooks through the same face. */
  readonly notify: (alert: Alert) => void;
}

/** Policy at work: alerts become actions, each once, each with its outcome on record. */
export interface Triggers extends AsyncDisposable {
  /**
   * Starts a retraining that a person asks for. One that is under way is waited for: the action is `waiting` until then.
   * @throws GyreError FAILED_PRECONDITION when the project cannot be trained again; the action is on record as failed then
   */
  retrain(request: { readonly reason: string; readonly by: Actor }): Promise<Action>;
  /** After a start, once pipelines go on: takes up actions that a dead process left half-way. */
  resume(): Promise<void>;
  /** The newest first. */
  actions(filter?: ActionFilter): Promise<readonly Action[]>;
  /** @throws GyreError NOT_FOUND */
  getAction(id: string): Promise<Action>;
  /** Resolves when every event until now has been acted on. */
  caughtUp(): Promise<void>;
}
