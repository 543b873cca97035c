import { digestOf, isoInstant } from '#core';
import { eventType } from '#contract';
import type { Actor, Deployment, EnvironmentState, PolicyReference, PublishedPolicy } from '#contract';
import type { Db, Tx } from '#store';
import type { Release, ReleaseDeps } from '../port.ts';
import { selectByState, selectSignOffs } from '../release-store.ts';
import { crossingAfter } from './drift.ts';
import { selectDrift, upsertDrift } from './drift-store.ts';
import { expiryOf } from './lapse.ts';
import { validityOf } from './in-force.ts';
import { insertToldExpired, selectPolicies, wasToldExpired } from './policies-store.ts';

/** How long what is live stands on decisions that count. */
export interface Expiries extends Pick<Release, 'tellExpired' | 'recordDrift'> {
  /** Until when, and whether that is past; nothing where decisions count for ever. */
  expiryIn(db: Db, live: Deployment): Promise<Pick<EnvironmentState, 'expiresAt' | 'expired' | 'expiredBy'>>;
}

export function expiries({ store, events, clock, settings }: ReleaseDeps): Expiries {
  const expiryIn: Expiries['expiryIn'] = async (db, live) => {
    const end = await earliestEnd(db, live);
    if (end === undefined) return {};
    return { expiresAt: isoInstant(end.at), expired: end.at <= clock.now(), ...(end.says === undefined ? {} : { expiredBy: end.says }) };
  };
  async function tell(tx: Tx, told: { live: Deployment; expiredAt: string; expiredBy?: string; by: Actor }): Promise<void> {
    const { live, expiredAt, expiredBy, by } = told;
    await tx.lock(`release:expired:${live.environment}`);
    if (await wasToldExpired(tx, signOffsOf(live))) return;
    await insertToldExpired(tx, { signOffs: signOffsOf(live), at: clock.now() });
    const { id, environment, modelVersion } = live;
    events.publish(tx, {
      type: eventType('sign_off.expired'),
      subject: modelVersion,
      actor: by.identity,
      ...(expiredBy === undefined ? {} : { reason: expiredBy }),
      data: { deployment: id, environment, modelVersion, expiredAt },
    });
  }
  return {
    expiryIn,
    recordDrift: (seen) => store.write(upsertDrift, seen),
    tellExpired: async (by) => {
      for (const { name } of settings().environments) {
        const found = await store.read(async (db) => {
          const live = await selectByState(db, name, 'live');
          if (live === undefined || (await wasToldExpired(db, signOffsOf(live)))) return undefined;
          const { expiresAt, expired, expiredBy } = await expiryIn(db, live);
          if (expired !== true || expiresAt === undefined) return undefined;
          return { live, expiredAt: expiresAt, ...(expiredBy === undefined ? {} : { expiredBy }) };
        });
        if (found !== undefined) await store.write(tell, { ...found, by });
      }
    },
  };
}

/** What a deployment stands on: new tokens and steps of a rollout are deployments on the same decisions. */
function signOffsOf({ environment, modelVersion, certification = '', approvals }: Deployment): string {
  return digestOf({ environment, modelVersion, certification, approvals });
}

interface End {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** What ended it, where that is not time. */
  readonly says?: string;
}

/** When the first of the decisions that a deployment was released on counts no longer, by the policies that they were given under. */
async function earliestEnd(db: Db, live: Deployment): Promise<End | undefined> {
  const { certification, approvals } = await selectSignOffs(db, live);
  const policies = await selectPolicies(db);
  const drift = await selectDrift(db, live.modelVersion);
  const endsOf = (given: string, references: readonly PolicyReference[], duty: 'certify' | 'approve'): readonly (End | undefined)[] =>
    references
      .flatMap(({ digest }) => policies.filter((one) => one.digest === digest))
      .flatMap((one: PublishedPolicy) => {
        const line = one.policy[duty]?.untilDrift;
        const at = expiryOf(given, validityOf(one, duty));
        return [at === undefined ? undefined : { at }, line === undefined ? undefined : crossingAfter(drift, line, given)];
      });
  // A certification may open several environments: what counts is the policy that this one was released by.
  const by = approvals.flatMap(({ policy }) => (policy === undefined ? [] : [policy]));
  const ends = [
    ...(certification === undefined
      ? []
      : endsOf(certification.certifiedAt, by.length > 0 ? by : (certification.policies ?? []), 'certify')),
    ...approvals.flatMap(({ policy, approvedAt }) => endsOf(approvedAt, policy === undefined ? [] : [policy], 'approve')),
  ].filter((end) => end !== undefined);
  return ends.toSorted((left, right) => left.at - right.at).at(0);
}
