import { digestOf, isoInstant } from '#core';
import { eventType } from '#contract';
import type { Actor, Deployment, EnvironmentState, PolicyReference, PublishedPolicy } from '#contract';
import type { Db, Tx } from '#store';
import type { Release, ReleaseDeps } from '../port.ts';
import { selectByState, selectSignOffs } from '../release-store.ts';
import { expiryOf } from './lapse.ts';
import { validityOf } from './in-force.ts';
import { insertToldExpired, selectPolicies, wasToldExpired } from './policies-store.ts';

/** How long what is live stands on decisions that count. */
export interface Expiries extends Pick<Release, 'tellExpired'> {
  /** Until when, and whether that is past; nothing where decisions count for ever. */
  expiryIn(db: Db, live: Deployment): Promise<Pick<EnvironmentState, 'expiresAt' | 'expired'>>;
}

export function expiries({ store, events, clock, settings }: ReleaseDeps): Expiries {
  const expiryIn: Expiries['expiryIn'] = async (db, live) => {
    const at = await earliestExpiry(db, live);
    return at === undefined ? {} : { expiresAt: isoInstant(at), expired: at <= clock.now() };
  };
  async function tell(tx: Tx, { live, expiredAt, by }: { live: Deployment; expiredAt: string; by: Actor }): Promise<void> {
    await tx.lock(`release:expired:${live.environment}`);
    if (await wasToldExpired(tx, signOffsOf(live))) return;
    await insertToldExpired(tx, { signOffs: signOffsOf(live), at: clock.now() });
    const { id, environment, modelVersion } = live;
    events.publish(tx, {
      type: eventType('sign_off.expired'),
      subject: modelVersion,
      actor: by.identity,
      data: { deployment: id, environment, modelVersion, expiredAt },
    });
  }
  return {
    expiryIn,
    tellExpired: async (by) => {
      for (const { name } of settings().environments) {
        const found = await store.read(async (db) => {
          const live = await selectByState(db, name, 'live');
          if (live === undefined || (await wasToldExpired(db, signOffsOf(live)))) return undefined;
          const { expiresAt, expired } = await expiryIn(db, live);
          return expired === true && expiresAt !== undefined ? { live, expiredAt: expiresAt } : undefined;
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

/** When the first of the decisions that a deployment was released on counts no longer, by the policies that they were given under. */
async function earliestExpiry(db: Db, live: Deployment): Promise<number | undefined> {
  const { certification, approvals } = await selectSignOffs(db, live);
  const policies = await selectPolicies(db);
  const validities = (references: readonly PolicyReference[], duty: 'certify' | 'approve'): readonly (number | undefined)[] =>
    references
      .flatMap(({ digest }) => policies.filter((one) => one.digest === digest))
      .map((one: PublishedPolicy) => validityOf(one, duty));
  // A certification may open several environments: what counts is the policy that this one was released by.
  const by = approvals.flatMap(({ policy }) => (policy === undefined ? [] : [policy]));
  const ends = [
    ...(certification === undefined
      ? []
      : validities(by.length > 0 ? by : (certification.policies ?? []), 'certify').map((ms) => expiryOf(certification.certifiedAt, ms))),
    ...approvals.flatMap(({ policy, approvedAt }) =>
      validities(policy === undefined ? [] : [policy], 'approve').map((ms) => expiryOf(approvedAt, ms)),
    ),
  ].filter((end) => end !== undefined);
  return ends.length === 0 ? undefined : Math.min(...ends);
}
