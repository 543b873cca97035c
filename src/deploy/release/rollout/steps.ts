import { GyreError, isoInstant } from '#core';
import type { Actor, Deployment, JudgedVersion, Rollout } from '#contract';
import { requireJudged } from '#registry';
import type { Db, Tx } from '#store';
import type { Gatekeeper } from '../gatekeeper.ts';
import { missingGates, validApprovals, validCertifications, type Missing } from '../gates.ts';
import type { ReleaseDeps } from '../port.ts';
import { selectByState } from '../release-store.ts';
import type { Judgement, Switch, SwitchPlan } from '../switch.ts';
import type { RolloutRecords, Decision } from './records.ts';
import { requireUnderWay } from './records.ts';

/** Why, and by whom, a rollout is moved. */
export interface Cause {
  readonly by: Actor;
  readonly why: string;
}

/** How a rollout is moved: each way is a switch of its environment, recorded in the same transactions. */
export interface RolloutSteps {
  /** @param isFirst it is recorded with this very switch @returns what is missing; nothing when it was done */
  toStep(rollout: Rollout, step: number, cause: Cause, isFirst?: boolean): Promise<readonly Missing[]>;
  /** @returns what is missing; nothing when it was done */
  toAll(rollout: Rollout, cause: Cause): Promise<readonly Missing[]>;
  /** The version before has all of the traffic again; it is loaded, so this loads nothing. */
  back(rollout: Rollout, cause: Cause): Promise<void>;
}

export function rolloutSteps(deps: ReleaseDeps, keeper: Gatekeeper, switches: Switch, records: RolloutRecords): RolloutSteps {
  const { store, clock, versions } = deps;
  const judgedVersion = async (id: string): Promise<JudgedVersion> => requireJudged(await versions.getById(id), 'a rollout');

  /** Who decided it when, and how long it took since. */
  const decided = ({ by, why }: Cause): (() => Decision) => {
    const startedMs = clock.now();
    return () => ({ by, why, at: isoInstant(clock.now()), tookMs: clock.now() - startedMs });
  };
  const liveIn = async (db: Db, rollout: Rollout): Promise<Deployment> => {
    const live = await selectByState(db, rollout.environment, 'live');
    if (live?.modelVersion === rollout.stable) return live;
    throw new GyreError('ABORTED', `"${rollout.environment}" does not serve any more what rollout ${rollout.id} began beside`);
  };
  const planOf = async (rollout: Rollout, cause: Cause, version: JudgedVersion): Promise<Omit<SwitchPlan, 'judge'>> => {
    const live = await store.read((db) => selectByState(db, rollout.environment, 'live'));
    return {
      version,
      target: keeper.environmentOf(rollout.environment),
      reason: cause.why,
      by: cause.by,
      ending: 'superseded',
      ...(live?.backTo === undefined || version.id !== rollout.stable ? {} : { backTo: live.backTo }),
    };
  };
  /** Gates of the candidate, as the transaction finds them. */
  const gatesOf = async (rollout: Rollout): Promise<(db: Db) => Promise<Judgement & { readonly missing?: readonly Missing[] }>> => {
    const factsIn = await keeper.factsReader(await versions.getById(rollout.modelVersion), keeper.environmentOf(rollout.environment));
    return async (db) => {
      const facts = await factsIn(db);
      const missing = missingGates(facts);
      if (missing.length > 0) return { missing };
      return { certification: validCertifications(facts).at(0)?.id, approvals: validApprovals(facts).map(({ id }) => id) };
    };
  };

  return {
    toStep: async (rollout, step, cause, isFirst = false) => {
      const { id, plan, modelVersion } = rollout;
      const { weight, shadow } = plan.steps[step];
      const decision = decided(cause);
      const gates = await gatesOf(rollout);
      const switched = await switches.to({
        ...(await planOf(rollout, cause, await judgedVersion(rollout.stable))),
        traffic: {
          rollout: id,
          beside: [{ modelVersion, package: rollout.package, weight, ...(shadow === undefined ? {} : { shadow }) }],
          ...(plan.sticky === undefined ? {} : { sticky: plan.sticky }),
        },
        judge: async (db) => {
          if (!isFirst) await requireUnderWay(db, id);
          const live = await liveIn(db, rollout);
          const judgement = await gates(db);
          // What is live stays so, on the sign-offs that it was released on.
          return 'missing' in judgement ? judgement : { certification: live.certification, approvals: live.approvals };
        },
        ...(isFirst ? { onBegun: (tx: Tx) => records.begin(tx, rollout) } : {}),
        onLive: (tx, live) => records.stepped(tx, id, step, live, decision()),
      });
      return 'missing' in switched ? switched.missing : [];
    },

    toAll: async (rollout, cause) => {
      const decision = decided(cause);
      const gates = await gatesOf(rollout);
      const switched = await switches.to({
        ...(await planOf(rollout, cause, await judgedVersion(rollout.modelVersion))),
        judge: async (db) => {
          await requireUnderWay(db, rollout.id);
          await liveIn(db, rollout);
          return gates(db);
        },
        onLive: async (tx, live) => void (await records.ended(tx, rollout.id, 'promoted', decision(), live)),
      });
      return 'missing' in switched ? switched.missing : [];
    },

    back: async (rollout, cause) => {
      const decision = decided(cause);
      const live = await store.read((db) => selectByState(db, rollout.environment, 'live'));
      if (live?.traffic?.rollout !== rollout.id) {
        // Its first step never was live: there is nothing to take back.
        await store.write((tx: Tx) => records.ended(tx, rollout.id, 'rolled_back', decision()), undefined);
        return;
      }
      await switches.to({
        ...(await planOf(rollout, cause, await judgedVersion(rollout.stable))),
        judge: async (db) => {
          await requireUnderWay(db, rollout.id);
          const { certification, approvals } = await liveIn(db, rollout);
          return { certification, approvals };
        },
        onLive: async (tx, next) => void (await records.ended(tx, rollout.id, 'rolled_back', decision(), next)),
      });
    },
  };
}
