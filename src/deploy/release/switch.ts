import { Check } from 'typebox/schema';
import { asSha256, canonicalJson, GyreError, isGyreError, isoInstant, messageOf } from '#core';
import { Check as MachineCheck, eventType, isJudged, pythonFolderOf } from '#contract';
import type { Actor, Deployment, DeploymentTraffic, JudgedVersion, LogPolicy, ModelVersion, SignedManifest } from '#contract';
import { requireJudged } from '#registry';
import type { Db, Tx } from '#store';
import type { Environment, Missing } from './gates.ts';
import { lockVersion } from './gatekeeper.ts';
import { loggedAs, manifestFor, signManifest } from './manifest.ts';
import type { BesideVersion } from './manifest.ts';
import type { ReleaseDeps } from './port.ts';
import {
  insertDeployment,
  lastGeneration,
  selectByState,
  selectDeployment,
  selectEarlierVersions,
  updateDeployment,
} from './release-store.ts';

/** Whether a switch may begin: what it lacks, or what it is let through on. */
export type Judgement =
  | { readonly missing: readonly Missing[] }
  | { readonly certification: string | undefined; readonly approvals: readonly string[] };

export interface SwitchPlan {
  readonly version: JudgedVersion;
  readonly target: Environment;
  readonly reason: string;
  readonly by: Actor;
  /** Asked in the transaction that begins the switch, so that what it judges by still holds. */
  readonly judge: (db: Db) => Promise<Judgement>;
  /** The generation that it goes back to; left out: it goes on. */
  readonly backTo?: number;
  /** What becomes of the deployment that was live. */
  readonly ending: 'superseded' | 'rolled_back';
  /** It is the version that serves there already. */
  readonly keep?: boolean;
  /** Who answers beside it; left out: it has all of the traffic. */
  readonly traffic?: DeploymentTraffic;
  /** Written in the transaction that begins the switch, and in the one that records it as live. */
  readonly onBegun?: (tx: Tx) => Promise<void>;
  readonly onLive?: (tx: Tx, live: Deployment) => Promise<void>;
}

/** Switches environments from one version to another. */
export interface Switch {
  /**
   * Records the switch, has the data plane make it true, then records it as live; on failure as failed.
   * @returns the live deployment, or what is missing
   * @throws GyreError ABORTED when a switch is under way, and what the data plane throws
   */
  to(plan: SwitchPlan): Promise<{ readonly live: Deployment } | { readonly missing: readonly Missing[] }>;
  /** Ends a switch that was under way as failed. @returns what is on record of it then: another end that it had meanwhile stays */
  fail(draft: Deployment, error: string): Promise<Deployment>;
  /** Makes the version that the last environment serves the champion, where it is not. */
  nameChampion(version: ModelVersion, by: Actor): Promise<void>;
  /** @throws GyreError NOT_FOUND, DATA_LOSS */
  readManifest(digest: string): Promise<SignedManifest>;
}

/** A deployment with the manifest that its data plane serves. */
type Released = Deployment & { readonly manifest: string };

export function openSwitch(deps: ReleaseDeps): Switch {
  const { store, blobs, events, clock, newId, versions } = deps;
  const now = (): string => isoInstant(clock.now());
  const isLast = (environment: string): boolean => environment === deps.settings().environments.at(-1)?.name;
  const readManifest = async (digest: string): Promise<SignedManifest> =>
    JSON.parse(Buffer.from(await blobs.read(asSha256(digest))).toString('utf8')) as SignedManifest;

  const to: Switch['to'] = async (plan) => {
    const { version, target, traffic } = plan;
    const { endpoint, limits = {}, log = {}, explainTimeoutMs, execution } = deps.settings();
    const begun = await store.write(begin, { id: newId(), at: now(), endpoint, plan });
    if ('missing' in begun) return begun;
    const { draft } = begun;
    let applied = false;
    let live: Deployment;
    try {
      const beside = await versionsBeside(traffic);
      const signed = signManifest(
        manifestFor({
          environment: target.name,
          endpoint,
          generation: draft.generation,
          version,
          ...(traffic === undefined ? {} : { beside, sticky: stickyOf(traffic) }),
          warm: await warmBeside(plan, draft.generation),
          log: loggedAs(await masked(log, version), target.certify === undefined),
          limits,
          ...(execution === undefined ? {} : { execution }),
          ...(explainTimeoutMs === undefined ? {} : { explainTimeoutMs }),
          ...(target.requires === undefined ? {} : { requires: target.requires }),
          tokenHashes: await deps.tokenHashes(),
          createdAt: draft.deployedAt,
        }),
        deps.privateKey,
      );
      const stored = await blobs.put(Buffer.from(canonicalJson(signed)));
      const { checks } = await deps.planes.apply(signed, { keep: plan.keep === true || plan.ending === 'rolled_back' });
      applied = true;
      const found = checks === undefined ? {} : { checks: [...checks] };
      live = await store.write(makeLive, { live: { ...draft, manifest: stored.digest, ...found, state: 'live' }, plan, at: now() });
    } catch (error) {
      const settled = await settle(draft, error);
      // A COMMIT whose answer was lost: it is live, whatever the caller was told.
      if (settled.state !== 'live') {
        if (applied) await putBack(target.name);
        throw error;
      }
      live = settled;
    }
    // While others answer beside it, it is the champion still.
    if (isLast(target.name) && traffic === undefined && !version.aliases.includes('champion')) await nameChampion(version, plan.by);
    return { live };
  };

  async function versionsBeside(traffic: DeploymentTraffic | undefined): Promise<readonly BesideVersion[]> {
    return Promise.all(
      (traffic?.beside ?? []).map(async ({ modelVersion, weight, shadow }) => ({
        version: requireJudged(await versions.getById(modelVersion), 'what is served'),
        weight,
        ...(shadow === undefined ? {} : { shadow }),
      })),
    );
  }

  /** The versions that a rollback would come to. Those that Python loads would take processes of their own: they are not kept. */
  async function warmBeside(
    { version, target, ending, backTo, traffic }: SwitchPlan,
    generation: number,
  ): Promise<readonly JudgedVersion[]> {
    const { warm = 0 } = target;
    const way = { environment: target.name, modelVersion: version.id, from: backTo ?? generation };
    const earlier = await store.read(async (db) => {
      const leaving = ending === 'rolled_back' ? await selectByState(db, target.name, 'live') : undefined;
      return selectEarlierVersions(db, way, leaving?.modelVersion);
    });
    const kept: JudgedVersion[] = [];
    for (const id of earlier) {
      if (kept.length === warm) break;
      if (traffic?.beside.some(({ modelVersion }) => modelVersion === id) === true) continue;
      const one = await versions.getById(id);
      if (isJudged(one) && pythonFolderOf(one) === undefined) kept.push(one);
    }
    return kept;
  }

  /** Who is told of requests elsewhere sees of personal columns that they were there. */
  async function masked(log: Partial<LogPolicy>, version: JudgedVersion): Promise<Partial<LogPolicy>> {
    if (log.events === undefined) return log;
    const personal = (await deps.personalInputs?.(version)) ?? [];
    return { ...log, events: { ...log.events, mask: [...new Set([...(log.events.mask ?? []), ...personal])] } };
  }

  async function begin(
    tx: Tx,
    { id, at, endpoint, plan }: { id: string; at: string; endpoint: string; plan: SwitchPlan },
  ): Promise<{ readonly draft: Deployment } | { readonly missing: readonly Missing[] }> {
    const { version, target, reason, by } = plan;
    await tx.lock(`release:${target.name}`);
    for (const id of [version.id, ...(plan.traffic?.beside ?? []).map(({ modelVersion }) => modelVersion)]) await lockVersion(tx, { id });
    const underWay = await selectByState(tx, target.name, 'rolling');
    if (underWay !== undefined) {
      const { id: other, deployedBy, deployedAt } = underWay;
      throw new GyreError(
        'ABORTED',
        `a switch of "${target.name}" (deployment ${other}) is under way, by ${deployedBy.name} since ${deployedAt}; try again when it has ended`,
      );
    }
    const judgement = await plan.judge(tx);
    if ('missing' in judgement) return judgement;
    const draft: Deployment = {
      id,
      environment: target.name,
      endpoint,
      generation: (await lastGeneration(tx, target.name)) + 1,
      modelVersion: version.id,
      package: version.package,
      state: 'rolling',
      reason,
      ...(judgement.certification === undefined ? {} : { certification: judgement.certification }),
      approvals: [...judgement.approvals],
      ...(plan.backTo === undefined ? {} : { backTo: plan.backTo }),
      ...(plan.traffic === undefined ? {} : { traffic: plan.traffic }),
      deployedBy: by,
      deployedAt: at,
    };
    await insertDeployment(tx, draft);
    await plan.onBegun?.(tx);
    events.publish(tx, {
      type: eventType('deployment.started'),
      subject: draft.id,
      actor: by.identity,
      reason,
      data: { id, environment: draft.environment, generation: draft.generation, modelVersion: draft.modelVersion },
    });
    return { draft };
  }

  async function makeLive(tx: Tx, { live, plan, at }: { live: Released; plan: SwitchPlan; at: string }): Promise<Deployment> {
    const { ending } = plan;
    const previous = await selectByState(tx, live.environment, 'live');
    const actor = live.deployedBy.identity;
    if (previous !== undefined) await updateDeployment(tx, { ...previous, state: ending, endedAt: at });
    await updateDeployment(tx, live);
    await plan.onLive?.(tx, live);
    const { id, environment, generation, modelVersion, manifest } = live;
    events.publish(tx, {
      type: eventType('deployment.live'),
      subject: id,
      actor,
      reason: live.reason,
      data: { id, environment, generation, modelVersion, manifest },
    });
    if (previous !== undefined && ending === 'rolled_back') {
      events.publish(tx, {
        type: eventType('deployment.rolled_back'),
        subject: previous.id,
        actor,
        reason: live.reason,
        data: { id: previous.id, environment, modelVersion: previous.modelVersion, to: modelVersion },
      });
    }
    return live;
  }

  async function markFailed(tx: Tx, { draft, error, at }: { draft: Deployment; error: string; at: string }): Promise<Deployment> {
    const stored = (await selectDeployment(tx, draft.id)) ?? draft;
    if (stored.state !== 'rolling') return stored;
    const failed: Deployment = { ...draft, state: 'failed', reason: `${draft.reason} (failed: ${error})`, endedAt: at };
    await updateDeployment(tx, failed);
    events.publish(tx, {
      type: eventType('deployment.failed'),
      subject: draft.id,
      actor: draft.deployedBy.identity,
      data: { id: draft.id, environment: draft.environment, modelVersion: draft.modelVersion, error },
    });
    return failed;
  }

  const fail = (draft: Deployment, error: string): Promise<Deployment> => store.write(markFailed, { draft, error, at: now() });

  async function settle(draft: Deployment, error: unknown): Promise<Deployment> {
    try {
      return await fail({ ...draft, ...checksOf(error) }, messageOf(error));
    } catch (second) {
      throw new GyreError(
        'UNAVAILABLE',
        `${messageOf(error)}; nor could that be recorded (${messageOf(second)}): the next start ends deployment ${draft.id}`,
        { deployment: draft.id },
        { cause: error },
      );
    }
  }

  /** The data plane serves what was never recorded as live: it goes back to what is. Where that fails too, the next start does it. */
  async function putBack(environment: string): Promise<void> {
    const live = await store.read((db) => selectByState(db, environment, 'live')).catch(() => undefined);
    if (live?.manifest === undefined) {
      await deps.planes.clear?.(environment).catch(() => undefined);
      return;
    }
    await readManifest(live.manifest)
      .then((manifest) => deps.planes.apply(manifest, { keep: true }))
      .catch(() => undefined);
  }

  /** The switch itself is done by now: a failure here does not undo it, and the next start makes good for it. */
  async function nameChampion(version: ModelVersion, by: Actor): Promise<void> {
    try {
      await versions.setAlias({ model: version.model, alias: 'champion', version: version.version, by });
    } catch (error) {
      throw new GyreError(
        'UNAVAILABLE',
        `${version.model} version ${version.version} is live, but the alias "champion" could not follow: ${messageOf(error)}; the next start sets it`,
        { modelVersion: version.id },
        { cause: error },
      );
    }
  }

  return { to, fail, nameChampion, readManifest };
}

/** What was found of the machine for which a data plane refused. */
function checksOf(error: unknown): Pick<Deployment, 'checks'> {
  const checks: unknown = isGyreError(error) ? error.details['checks'] : undefined;
  return Array.isArray(checks) && checks.every((one) => Check(MachineCheck, one)) ? { checks } : {};
}

/** The same key gets the same version at every step: the rollout deals keys once. */
function stickyOf({ rollout, sticky }: DeploymentTraffic): { readonly header?: string; readonly salt: string } {
  return { ...(sticky === undefined ? {} : { header: sticky }), salt: rollout };
}
