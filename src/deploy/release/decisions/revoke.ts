import { GyreError, isoInstant, messageOf } from '#core';
import { eventType, isJudged } from '#contract';
import type { Actor, Deployment, Revocation, RevokedFrom } from '#contract';
import { requireJudged } from '#registry';
import type { Db, Tx } from '#store';
import { type Missing, revoked, withdrawals } from '../gates.ts';
import { type Gatekeeper, lockVersion } from '../gatekeeper.ts';
import type { Release, ReleaseDeps } from '../port.ts';
import { selectByState, selectEarlierDeployments } from '../release-store.ts';
import type { Rollouts } from '../rollout/port.ts';
import { inTurns } from '../rollout/turns.ts';
import { selectUnderWay } from '../rollout/rollout-store.ts';
import { insertRevocation, selectRevocation } from './decisions-store.ts';
import type { DecisionSigner } from './signature.ts';

/** How versions are taken out for good, wherever they are. */
export interface Revocations extends Pick<Release, 'revoke' | 'takeOutRevoked'> {
  /** What is wrong with a live deployment; undefined when its package was not revoked. */
  problemOf(db: Db, live: Deployment): Promise<string | undefined>;
}

/** How an environment goes back to one of its earlier deployments, and how a rollout is taken back. */
interface WaysOut {
  readonly rollBack: Release['rollBack'];
  readonly rollouts: Pick<Rollouts, 'rollBack'>;
}

export function revocations(deps: ReleaseDeps, keeper: Gatekeeper, signer: DecisionSigner, { rollBack, rollouts }: WaysOut): Revocations {
  const { store, events, clock, newId, versions } = deps;

  /** Earlier deployments of an environment that may serve again, the latest first, and why the others may not. */
  async function waysBack(live: Deployment): Promise<{ readonly open: readonly Deployment[]; readonly closed: readonly Missing[] }> {
    const target = keeper.environmentOf(live.environment);
    const earlier = await store.read((db) => selectEarlierDeployments(db, live));
    const open: Deployment[] = [];
    const closed: Missing[] = [];
    const seen = new Set<string>();
    for (const deployment of earlier) {
      // Of a version that was live several times the last one counts.
      if (seen.has(deployment.modelVersion)) continue;
      seen.add(deployment.modelVersion);
      const version = await versions.getById(deployment.modelVersion);
      if (!isJudged(version)) continue;
      const missing = withdrawals(await store.read(await keeper.factsReader(version, target, { bytes: false })), deployment);
      if (missing.length === 0) open.push(deployment);
      closed.push(...missing);
    }
    return { open, closed };
  }

  async function takeOut(live: Deployment, revocation: Revocation, by: Actor): Promise<RevokedFrom> {
    const { environment } = live;
    const { open, closed } = await waysBack(live);
    const reasons = closed.map(({ reason }) => reason);
    for (const { generation } of open) {
      try {
        const { modelVersion } = await rollBack({ environment, generation, reason: inWords(revocation), by });
        return { environment, outcome: 'rolled_back', modelVersion };
      } catch (error) {
        // It went back, but something after that failed; or somebody else switched meanwhile.
        const now = await store.read((db) => selectByState(db, environment, 'live'));
        if (now !== undefined && now.package !== live.package)
          return { environment, outcome: 'rolled_back', modelVersion: now.modelVersion };
        reasons.push(messageOf(error));
      }
    }
    const reason = reasons.length === 0 ? 'no other version was live there' : reasons.join('; ');
    await store.write(tellUnmet, { environment, modelVersion: live.modelVersion, reason, by });
    return { environment, outcome: 'still_served', reason };
  }

  async function tellUnmet(
    tx: Tx,
    { environment, modelVersion, reason, by }: { environment: string; modelVersion: string; reason: string; by: Actor },
  ): Promise<void> {
    events.publish(tx, {
      type: eventType('revocation.unmet'),
      subject: modelVersion,
      actor: by.identity,
      data: { environment, modelVersion, reason },
    });
    await Promise.resolve();
  }

  /** A rollout to or beside what was revoked ends, whether it is running or paused: nothing goes back while it is under way. */
  async function endRollout(environment: string, by: Actor): Promise<readonly RevokedFrom[]> {
    const found = await store.read(async (db) => {
      const rollout = await selectUnderWay(db, environment);
      if (rollout === undefined) return undefined;
      const live = await selectByState(db, environment, 'live');
      const ofCandidate = await selectRevocation(db, rollout.package);
      return { rollout, ofCandidate, ofLive: live === undefined ? undefined : await selectRevocation(db, live.package) };
    });
    const revocation = found?.ofCandidate ?? found?.ofLive;
    if (found === undefined || revocation === undefined) return [];
    const { rollout, ofCandidate } = found;
    try {
      await rollouts.rollBack({ id: rollout.id, reason: inWords(revocation), by });
      return ofCandidate === undefined ? [] : [{ environment, outcome: 'rolled_back', modelVersion: rollout.stable }];
    } catch (error) {
      const reason = messageOf(error);
      await store.write(tellUnmet, { environment, modelVersion: rollout.modelVersion, reason, by });
      return [{ environment, outcome: 'still_served', reason }];
    }
  }

  /** Who watches and who revokes may both want to: the second one finds it done, instead of a switch under way. */
  const turns = inTurns();
  const takeOutRevoked: Release['takeOutRevoked'] = (by) => turns('take out', () => takeOutAll(by));
  const takeOutAll: Release['takeOutRevoked'] = async (by) => {
    const outcomes: RevokedFrom[] = [];
    for (const { name } of deps.settings().environments) {
      outcomes.push(...(await endRollout(name, by)));
      const found = await store.read(async (db) => {
        const live = await selectByState(db, name, 'live');
        const revocation = live === undefined ? undefined : await selectRevocation(db, live.package);
        return live === undefined || revocation === undefined ? undefined : { live, revocation };
      });
      if (found !== undefined) outcomes.push(await takeOut(found.live, found.revocation, by));
    }
    return outcomes;
  };

  return {
    takeOutRevoked,
    problemOf: async (db, live) => {
      const revocation = await selectRevocation(db, live.package);
      return revocation === undefined ? undefined : `${revoked('what it serves', revocation)}; release another version here`;
    },
    revoke: async ({ modelVersion, reason, by }) => {
      const version = requireJudged(await versions.getById(modelVersion), 'a revocation');
      const revocation = signer.sign('revocation', {
        id: newId(),
        modelVersion: version.id,
        package: version.package,
        reason,
        revokedBy: by,
        revokedAt: isoInstant(clock.now()),
      });
      await store.write(async function recordRevocation(tx: Tx) {
        await lockVersion(tx, version);
        const before = await selectRevocation(tx, version.package);
        if (before !== undefined) {
          throw new GyreError('ALREADY_EXISTS', revoked(`${version.model} version ${version.version}`, before), {
            modelVersion: version.id,
          });
        }
        await insertRevocation(tx, revocation);
        events.publish(tx, {
          type: eventType('revocation.given'),
          subject: version.id,
          actor: by.identity,
          reason,
          data: { id: revocation.id, modelVersion: version.id, package: version.package },
        });
      }, undefined);
      return { revocation, environments: [...(await takeOutRevoked(by))] };
    },
  };
}

const takenOut = 'revoked by ';

function inWords({ revokedBy, reason }: Revocation): string {
  return `${takenOut}${revokedBy.name}: ${reason}`;
}

/** Whether a deployment was made because what was live there was revoked. */
export function isTakingOut({ reason }: Pick<Deployment, 'reason'>): boolean {
  return reason.startsWith(takenOut);
}
