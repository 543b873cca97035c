import { GyreError } from '#core';
import { eventType } from '#contract';
import type { Action } from '#contract';
import type { Events } from '#events';
import type { Store, Tx } from '#store';
import { insertAction, selectAction, updateAction } from './triggers-store.ts';

export type Ending = 'succeeded' | 'failed' | 'skipped';

/** Actions on record. Each change is made against the record as it stands: an action begins its pipeline run once and ends once. */
export interface ActionLog {
  /** @throws GyreError ALREADY_EXISTS when the alert has an action of this kind */
  record(action: Action, actor: string): Promise<void>;
  /** From waiting to started. @returns the action as it stands then */
  start(id: string, change: { readonly pipelineRun: string; readonly reason: string }): Promise<Action>;
  /** An action that has ended keeps its end. */
  end(id: string, ending: { readonly state: Ending; readonly outcome: string; readonly at: string }): Promise<void>;
}

/** @param actor the identity that ends actions: the platform */
export function actionLog(store: Store, events: Events, actor: string): ActionLog {
  async function recordAction(tx: Tx, { action, by }: { action: Action; by: string }): Promise<void> {
    await insertAction(tx, action);
    events.publish(tx, {
      type: eventType('action.started'),
      subject: action.id,
      actor: by,
      reason: action.reason,
      data: { id: action.id, kind: action.kind, ...(action.alert === undefined ? {} : { alert: action.alert }) },
    });
  }
  async function current(tx: Tx, id: string): Promise<Action> {
    await tx.lock(`action:${id}`);
    const action = await selectAction(tx, id);
    if (action === undefined) throw new GyreError('INTERNAL', `action ${id} is gone`);
    return action;
  }
  async function startAction(tx: Tx, { id, pipelineRun, reason }: { id: string; pipelineRun: string; reason: string }): Promise<Action> {
    const action = await current(tx, id);
    if (action.state !== 'waiting') return action;
    const started: Action = { ...action, state: 'started', pipelineRun, reason };
    await updateAction(tx, started);
    return started;
  }
  async function endAction(tx: Tx, { id, state, outcome, at }: { id: string; state: Ending; outcome: string; at: string }): Promise<void> {
    const action = await current(tx, id);
    if (action.endedAt !== undefined) return;
    await updateAction(tx, { ...action, state, outcome, endedAt: at });
    events.publish(tx, {
      type: eventType('action.finished'),
      subject: id,
      actor,
      data: { id, kind: action.kind, state, outcome },
    });
  }
  return {
    record: (action, by) => store.write(recordAction, { action, by }),
    start: (id, change) => store.write(startAction, { id, ...change }),
    end: (id, ending) => store.write(endAction, { id, ...ending }),
  };
}
