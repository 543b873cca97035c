import { GyreError, hasCode, isoInstant, messageOf } from '#core';
import type { ErrorCode } from '#core';
import { eventType } from '#contract';
import type { Action, Alert } from '#contract';
import type { Subscription } from '#events';
import { actionLog, type Ending } from './action-log.ts';
import { type ActionKind, decide, type Decision } from './policy.ts';
import type { Triggers, TriggersDeps } from './port.ts';
import { selectAction, selectActions, selectByAlert, selectByPipelineRun, selectOpen } from './triggers-store.ts';

/** Trying again later would not help: the project itself is in the way. */
const lasting: readonly ErrorCode[] = ['FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'NOT_FOUND'];

/** Opens the room: from now on it hears of alerts, labels and finished pipelines. */
export async function openTriggers(deps: TriggersDeps): Promise<Triggers> {
  const { store, events, clock, newId, actor } = deps;
  const now = (): string => isoInstant(clock.now());
  const log = actionLog(store, events, actor.identity);
  const end = (action: Action, state: Ending, outcome: string): Promise<void> => log.end(action.id, { state, outcome, at: now() });

  const begin = async (alert: Alert, { kind, reason }: Decision): Promise<void> => {
    const action: Action = {
      id: newId(),
      kind,
      alert: alert.id,
      state: kind === 'retrain' ? 'waiting' : 'started',
      reason,
      startedAt: now(),
      startedBy: actor,
    };
    try {
      await log.record(action, actor.identity);
    } catch (error) {
      if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
      return complete(alert, await store.read((db) => selectByAlert(db, alert.id, kind)));
    }
    await complete(alert, action);
  };

  /** Does what is done at once. A process may have died after it recorded the action and before its end: then it is done again. */
  const complete = async (alert: Alert, action: Action | undefined): Promise<void> => {
    if (action?.state !== 'started') return;
    if (action.kind === 'notify') {
      deps.notify(alert);
      await end(action, 'succeeded', 'told in the log and on the page');
    }
    if (action.kind === 'roll_back') {
      const ending = await deps.rollBack(alert, actor).then(
        (outcome) => ({ state: 'succeeded' as const, outcome }),
        (error: unknown) => ({ state: 'failed' as const, outcome: messageOf(error) }),
      );
      await end(action, ending.state, ending.outcome);
    }
  };

  const finish = async (pipelineRun: string, state: string): Promise<void> => {
    const action = await store.read((db) => selectByPipelineRun(db, pipelineRun));
    if (action === undefined || action.endedAt !== undefined) return;
    // The run has ended whether or not its records can be read: an action never stays open for that.
    const outcome = await deps.outcomeOf(pipelineRun).catch((error: unknown) => `the pipeline ended ${state}; ${messageOf(error)}`);
    await end(action, state === 'succeeded' ? 'succeeded' : 'failed', outcome);
  };
  /** A run that ended before it was on record as this action's: its event found nobody. */
  const finishIfEnded = async (pipelineRun: string): Promise<void> => {
    const run = await deps.getPipelineRun(pipelineRun);
    if (run.endedAt !== undefined) await finish(run.id, run.state);
  };

  const open = (kind: ActionKind, state: Action['state']): Promise<readonly Action[]> =>
    store.read(async (db) => (await selectOpen(db)).filter((action) => action.kind === kind && action.state === state));

  /** @returns why it starts now; undefined: not yet, or no more */
  const readyBecause = async (action: Action, alert: Alert | undefined): Promise<string | undefined> => {
    if (alert === undefined) return action.reason;
    if (alert.state === 'resolved') {
      await end(action, 'skipped', `the alert is over: ${alert.resolution ?? 'it was resolved'}`);
      return undefined;
    }
    const rows = await deps.labelledRows(alert);
    if (rows < deps.policy().minRows) return undefined;
    return `${alert.title}; ${rows} labelled rows since ${alert.since.slice(0, 10)}`;
  };

  /** One retraining at a time: the next one starts from what the one before has left. */
  const startNext = async (): Promise<void> => {
    if ((await open('retrain', 'started')).length > 0) return;
    for (const action of await open('retrain', 'waiting')) {
      const alert = action.alert === undefined ? undefined : await deps.getAlert(action.alert);
      const reason = await readyBecause(action, alert);
      if (reason === undefined) continue;
      let pipelineRun: string;
      try {
        ({ id: pipelineRun } = await deps.startRetraining(alert, { ...action, reason }, action.startedBy ?? actor));
      } catch (error) {
        if (!lasting.some((code) => hasCode(error, code))) throw error;
        await end(action, 'failed', messageOf(error));
        continue;
      }
      await log.start(action.id, { pipelineRun, reason });
      await finishIfEnded(pipelineRun);
      return;
    }
  };
  /** Subscriptions and people ask at the same time: they are served one after the other. */
  let turns: Promise<unknown> = Promise.resolve();
  const startWaiting = (): Promise<void> => {
    const turn = turns.then(startNext);
    turns = turn.catch(() => undefined);
    return turn;
  };

  await using opened = new AsyncDisposableStack();
  const subscribed = (subscription: Subscription): Subscription => opened.use(subscription);
  const subscriptions: readonly Subscription[] = [
    subscribed(
      await events.subscribe({
        name: 'triggers.alerts',
        types: [eventType('alert.raised'), eventType('alert.updated')],
        effect: async (event) => {
          const alert = await deps.getAlert(event.data.id);
          for (const decision of decide(deps.policy(), alert)) await begin(alert, decision);
        },
      }),
    ),
    subscribed(
      await events.subscribe({
        name: 'triggers.labels',
        types: [eventType('labels.joined'), eventType('action.started'), eventType('action.finished'), eventType('alert.resolved')],
        effect: startWaiting,
      }),
    ),
    subscribed(
      await events.subscribe({
        name: 'triggers.pipelines',
        types: [eventType('pipeline_run.finished')],
        effect: (event) => finish(event.data.id, event.data.state),
      }),
    ),
  ];

  const getAction = async (id: string): Promise<Action> => {
    const action = await store.read((db) => selectAction(db, id));
    if (action === undefined) throw new GyreError('NOT_FOUND', `no action "${id}"`);
    return action;
  };
  const closing = opened.move();
  return {
    retrain: async ({ reason, by }) => {
      const action: Action = { id: newId(), kind: 'retrain', state: 'waiting', reason, startedAt: now(), startedBy: by };
      await log.record(action, by.identity);
      await startWaiting();
      const asked = await getAction(action.id);
      if (asked.state === 'failed' && asked.pipelineRun === undefined) {
        throw new GyreError('FAILED_PRECONDITION', `cannot train again: ${asked.outcome ?? 'no reason was given'}`, { action: asked.id });
      }
      return asked;
    },
    resume: async () => {
      for (const action of await store.read(selectOpen)) {
        if (action.alert !== undefined) await complete(await deps.getAlert(action.alert), action);
        if (action.pipelineRun !== undefined) await finishIfEnded(action.pipelineRun);
      }
      await startWaiting();
    },
    actions: (filter = {}) => store.read((db) => selectActions(db, filter)),
    getAction,
    caughtUp: async () => {
      for (const subscription of subscriptions) await subscription.caughtUp();
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
