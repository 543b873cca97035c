import { GyreError, hasCode, isoInstant, messageOf } from '#core';
import type { Clock, NewId } from '#core';
import { eventType } from '#contract';
import type { Action, Actor, Alert, PipelineRun } from '#contract';
import type { Events, Subscription } from '#events';
import type { Store, Tx } from '#store';
import { decide, type Decision, type Policy } from './policy.ts';
import { type ActionFilter, insertAction, selectAction, selectActions, selectByPipelineRun, updateAction } from './triggers-store.ts';

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
  /** Starts the retraining pipeline for an alert; the same alert and action give the same pipeline run. */
  readonly startRetraining: (alert: Alert | undefined, action: Action, by: Actor) => Promise<PipelineRun>;
  readonly getPipelineRun: (id: string) => Promise<PipelineRun>;
  /** One sentence about what a finished retraining came to: the comparison of challenger and champion. */
  readonly outcomeOf: (pipelineRun: string) => Promise<string>;
  /** Switches the alert's environment back to the version before. */
  readonly rollBack: (alert: Alert, by: Actor) => Promise<string>;
  /** Tells people: a log line today, mail and webhooks through the same face. */
  readonly notify: (alert: Alert) => void;
}

/** Policy at work: alerts become actions, each once, each with its outcome on record. */
export interface Triggers extends AsyncDisposable {
  /** Starts a retraining that a person asks for. */
  retrain(request: { readonly reason: string; readonly by: Actor }): Promise<Action>;
  /** The newest first. */
  actions(filter?: ActionFilter): Promise<readonly Action[]>;
  /** @throws GyreError NOT_FOUND */
  getAction(id: string): Promise<Action>;
  /** Resolves when every event until now has been acted on. */
  caughtUp(): Promise<void>;
}

/** Opens the room: from now on it hears of alerts, labels and finished pipelines. */
export async function openTriggers(deps: TriggersDeps): Promise<Triggers> {
  const { store, events, clock, newId, actor } = deps;
  const now = (): string => isoInstant(clock.now());

  async function recordAction(tx: Tx, { action, by }: { action: Action; by: Actor }): Promise<void> {
    await insertAction(tx, action);
    events.publish(tx, {
      type: eventType('action.started'),
      subject: action.id,
      actor: by.identity,
      reason: action.reason,
      data: {
        id: action.id,
        kind: action.kind,
        ...(action.alert === undefined ? {} : { alert: action.alert }),
        ...(action.pipelineRun === undefined ? {} : { pipelineRun: action.pipelineRun }),
      },
    });
  }
  async function changeAction(tx: Tx, action: Action): Promise<void> {
    await updateAction(tx, action);
    if (action.endedAt === undefined) return;
    events.publish(tx, {
      type: eventType('action.finished'),
      subject: action.id,
      actor: actor.identity,
      data: { id: action.id, kind: action.kind, state: action.state, outcome: action.outcome ?? '' },
    });
  }
  const end = (action: Action, state: 'succeeded' | 'failed', outcome: string): Promise<void> =>
    store.write(changeAction, { ...action, state, outcome, endedAt: now() });

  const begin = async (alert: Alert, decision: Decision): Promise<void> => {
    const action: Action = {
      id: newId(),
      kind: decision.kind,
      alert: alert.id,
      state: decision.kind === 'retrain' ? 'waiting' : 'started',
      reason: decision.reason,
      startedAt: now(),
    };
    try {
      await store.write(recordAction, { action, by: actor });
    } catch (error) {
      if (hasCode(error, 'ALREADY_EXISTS')) return;
      throw error;
    }
    if (decision.kind === 'notify') {
      deps.notify(alert);
      await end(action, 'succeeded', 'told in the log and on the page');
    }
    if (decision.kind === 'roll_back') {
      try {
        await end(action, 'succeeded', await deps.rollBack(alert, actor));
      } catch (error) {
        await end(action, 'failed', messageOf(error));
      }
    }
  };

  const finish = async (pipelineRun: string, state: string): Promise<void> => {
    const action = await store.read((db) => selectByPipelineRun(db, pipelineRun));
    if (action === undefined || action.endedAt !== undefined) return;
    await end(action, state === 'succeeded' ? 'succeeded' : 'failed', await deps.outcomeOf(pipelineRun));
  };
  /** A run that ended before it was on record as this action's: its event found nobody. */
  const finishIfEnded = async (pipelineRun: string): Promise<void> => {
    const run = await deps.getPipelineRun(pipelineRun);
    if (run.endedAt !== undefined) await finish(run.id, run.state);
  };

  const startWaiting = async (): Promise<void> => {
    const waiting = await store.read((db) => selectActions(db, { state: 'waiting', kind: 'retrain' }));
    for (const action of waiting) {
      if (action.alert === undefined) continue;
      const alert = await deps.getAlert(action.alert);
      const rows = await deps.labelledRows(alert);
      const { minRows } = deps.policy();
      if (rows < minRows) continue;
      const run = await deps.startRetraining(alert, action, actor);
      await store.write(changeAction, {
        ...action,
        state: 'started',
        pipelineRun: run.id,
        reason: `${alert.title}; ${rows} labelled rows since ${alert.since.slice(0, 10)}`,
      });
      await finishIfEnded(run.id);
    }
  };

  const subscriptions: readonly Subscription[] = [
    await events.subscribe({
      name: 'triggers.alerts',
      types: [eventType('alert.raised'), eventType('alert.updated')],
      effect: async (event) => {
        const alert = await deps.getAlert(event.data.id);
        for (const decision of decide(deps.policy(), alert)) await begin(alert, decision);
      },
    }),
    await events.subscribe({
      name: 'triggers.labels',
      types: [eventType('labels.joined'), eventType('alert.raised'), eventType('alert.updated')],
      effect: startWaiting,
    }),
    await events.subscribe({
      name: 'triggers.pipelines',
      types: [eventType('pipeline_run.finished')],
      effect: (event) => finish(event.data.id, event.data.state),
    }),
  ];

  return {
    retrain: async ({ reason, by }) => {
      const draft: Action = { id: newId(), kind: 'retrain', state: 'started', reason, startedAt: now() };
      const run = await deps.startRetraining(undefined, draft, by);
      const action: Action = { ...draft, pipelineRun: run.id };
      await store.write(recordAction, { action, by });
      await finishIfEnded(run.id);
      return action;
    },
    actions: (filter = {}) => store.read((db) => selectActions(db, filter)),
    getAction: async (id) => {
      const action = await store.read((db) => selectAction(db, id));
      if (action === undefined) throw new GyreError('NOT_FOUND', `no action "${id}"`);
      return action;
    },
    caughtUp: async () => {
      for (const subscription of subscriptions) await subscription.caughtUp();
    },
    [Symbol.asyncDispose]: async () => {
      for (const subscription of subscriptions) await subscription[Symbol.asyncDispose]();
    },
  };
}
