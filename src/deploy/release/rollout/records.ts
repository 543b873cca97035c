import { eventType } from '#contract';
import type { Actor, Deployment, Rollout } from '#contract';
import { GyreError } from '#core';
import type { Db, Tx } from '#store';
import type { ReleaseDeps } from '../port.ts';
import { nothingAnswered } from './answers.ts';
import { insertRollout, selectRollout, selectUnderWay, updateRollout } from './rollout-store.ts';
import type { Reading } from './rollout-store.ts';

type End = Extract<Rollout['state'], 'promoted' | 'rolled_back' | 'aborted'>;

/** Who decided what, and when. */
export interface Decision {
  readonly by: Actor;
  readonly why: string;
  readonly at: string;
  /** From the decision until the data plane had it. */
  readonly tookMs?: number;
}

/** What is written of rollouts. Each write takes the record as the transaction finds it: another process may have changed it. */
export interface RolloutRecords {
  /** @throws GyreError ABORTED when one is under way there, naming who began it */
  begin(tx: Tx, rollout: Rollout): Promise<void>;
  /** A step has its share of the traffic now: its count begins. */
  stepped(tx: Tx, id: string, step: number, live: Deployment, decision: Decision): Promise<void>;
  /** What was observed at a step; left as it is when the rollout has gone on meanwhile. */
  observed(tx: Tx, seen: Pick<Rollout, 'id' | 'stepStartedAt' | 'observed' | 'checks'>, reading: Reading): Promise<void>;
  paused(tx: Tx, id: string, decision: Decision): Promise<Rollout>;
  resumed(tx: Tx, id: string, decision: Decision): Promise<Rollout>;
  ended(tx: Tx, id: string, end: End, decision: Decision, live?: Deployment): Promise<Rollout>;
}

/** @throws GyreError ABORTED naming who began the rollout that is under way there */
export async function refuseUnderWay(db: Db, environment: string): Promise<void> {
  const underWay = await selectUnderWay(db, environment);
  if (underWay === undefined) return;
  const { id, startedBy, startedAt, state } = underWay;
  throw new GyreError(
    'ABORTED',
    `a rollout to "${environment}" (${id}) is ${state}, begun by ${startedBy.name} at ${startedAt}: promote it or roll it back first`,
    { rollout: id, environment },
  );
}

/** @throws GyreError NOT_FOUND, FAILED_PRECONDITION when it has ended */
export async function requireUnderWay(db: Db, id: string): Promise<Rollout> {
  const rollout = await selectRollout(db, id);
  if (rollout === undefined) throw new GyreError('NOT_FOUND', `no rollout "${id}"; gyre release rollout list names those that there are`);
  if (rollout.state === 'running' || rollout.state === 'paused') return rollout;
  throw new GyreError('FAILED_PRECONDITION', `rollout ${id} was ${rollout.state.replace('_', ' ')} at ${rollout.endedAt ?? ''}`, {
    rollout: id,
  });
}

export function rolloutRecords({ events }: Pick<ReleaseDeps, 'events'>): RolloutRecords {
  const factsOf = ({ id, environment, modelVersion }: Rollout) => ({ id, environment, modelVersion });
  return {
    begin: async (tx, rollout) => {
      await refuseUnderWay(tx, rollout.environment);
      await insertRollout(tx, rollout);
      events.publish(tx, {
        type: eventType('rollout.started'),
        subject: rollout.id,
        actor: rollout.startedBy.identity,
        reason: rollout.reason,
        data: { ...factsOf(rollout), stable: rollout.stable, strategy: rollout.plan.strategy },
      });
    },
    stepped: async (tx, id, step, live, decision) => {
      const before = await requireUnderWay(tx, id);
      const { weight } = before.plan.steps[step];
      await updateRollout(tx, {
        ...before,
        ...unobserved,
        step,
        weight,
        stepStartedAt: decision.at,
        history: [...before.history, { what: 'step', weight, generation: live.generation, ...decision }],
      });
      events.publish(tx, {
        type: eventType('rollout.stepped'),
        subject: id,
        actor: decision.by.identity,
        reason: decision.why,
        data: { ...factsOf(before), step, weight, generation: live.generation },
      });
    },
    observed: async (tx, { id, stepStartedAt, observed, checks }, reading) => {
      const before = await selectRollout(tx, id);
      if (before?.state !== 'running' || before.stepStartedAt !== stepStartedAt) return;
      await updateRollout(tx, { ...before, observed, checks }, reading);
    },
    paused: async (tx, id, decision) => {
      const before = await requireUnderWay(tx, id);
      if (before.state === 'paused') throw new GyreError('FAILED_PRECONDITION', `rollout ${id} is paused already`);
      const paused: Rollout = {
        ...before,
        state: 'paused',
        history: [...before.history, { what: 'paused', weight: before.weight, ...decision }],
      };
      await updateRollout(tx, paused);
      events.publish(tx, {
        type: eventType('rollout.paused'),
        subject: id,
        actor: decision.by.identity,
        reason: decision.why,
        data: { ...factsOf(before), why: decision.why },
      });
      return paused;
    },
    resumed: async (tx, id, decision) => {
      const before = await requireUnderWay(tx, id);
      if (before.state === 'running') throw new GyreError('FAILED_PRECONDITION', `rollout ${id} is running: it was not paused`);
      const running: Rollout = {
        ...before,
        ...unobserved,
        state: 'running',
        ...(before.stepStartedAt === undefined ? {} : { stepStartedAt: decision.at }),
        history: [...before.history, { what: 'resumed', weight: before.weight, ...decision }],
      };
      await updateRollout(tx, running);
      events.publish(tx, {
        type: eventType('rollout.resumed'),
        subject: id,
        actor: decision.by.identity,
        reason: decision.why,
        data: factsOf(before),
      });
      return running;
    },
    ended: async (tx, id, end, decision, live) => {
      const before = await requireUnderWay(tx, id);
      const weight = end === 'promoted' ? 1 : 0;
      const generation = live === undefined ? {} : { generation: live.generation };
      const ended: Rollout = {
        ...before,
        state: end,
        weight,
        endedAt: decision.at,
        history: [...before.history, { what: end, weight, ...generation, ...decision }],
      };
      await updateRollout(tx, ended);
      const facts = factsOf(before);
      const common = { subject: id, actor: decision.by.identity, reason: decision.why };
      if (end === 'promoted')
        events.publish(tx, { type: eventType('rollout.promoted'), ...common, data: { ...facts, generation: live?.generation ?? 0 } });
      else if (end === 'rolled_back')
        events.publish(tx, { type: eventType('rollout.rolled_back'), ...common, data: { ...facts, to: before.stable, why: decision.why } });
      else events.publish(tx, { type: eventType('rollout.aborted'), ...common, data: { ...facts, why: decision.why } });
      return ended;
    },
  };
}

const unobserved = { observed: { stable: nothingAnswered, candidate: nothingAnswered }, checks: [] } satisfies Pick<
  Rollout,
  'observed' | 'checks'
>;
