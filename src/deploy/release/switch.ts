import { canonicalJson, isoInstant, messageOf, GyreError } from '#core';
import { eventType } from '#contract';
import type { Actor, Deployment, ModelVersion } from '#contract';
import type { Tx } from '#store';
import { type Environment, type GateFacts, validApprovals, validCertification } from './gates.ts';
import { manifestFor, signManifest } from './manifest.ts';
import type { ReleaseDeps, RollRequest } from './port.ts';
import { insertDeployment, lastGeneration, selectByState, updateDeployment } from './release-store.ts';

/** Switches environments from one version to another. */
export interface Switch {
  /**
   * Records the switch, has the data plane make it true, then records it as live; on failure as failed.
   * @throws GyreError ABORTED when a switch is under way, and what the data plane throws
   */
  to(version: ModelVersion, target: Environment, request: Omit<RollRequest, 'modelVersion'>, facts: GateFacts): Promise<Deployment>;
  /** Records that a switch which was under way came to nothing. */
  fail(draft: Deployment, error: string): Promise<void>;
}

export function openSwitch(deps: ReleaseDeps): Switch {
  const { store, blobs, events, clock, newId, versions } = deps;
  const now = (): string => isoInstant(clock.now());
  const switchTo = async (
    version: ModelVersion,
    target: Environment,
    request: Omit<RollRequest, 'modelVersion'>,
    facts: GateFacts,
  ): Promise<Deployment> => {
    const { endpoint, maxBodyBytes } = deps.settings();
    const draft = await store.write(startDeployment, {
      id: newId(),
      environment: target.name,
      endpoint,
      version,
      reason: request.reason,
      certification: validCertification(facts)?.id,
      approvals: validApprovals(facts).map(({ id }) => id),
      by: request.by,
      at: now(),
    });
    try {
      const manifest = manifestFor({
        environment: target.name,
        endpoint,
        generation: draft.generation,
        version,
        logSample: target.certify === undefined ? 1 : 0,
        ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
        tokenHashes: deps.tokenHashes,
        createdAt: draft.deployedAt,
      });
      const signed = signManifest(manifest, deps.privateKey);
      const stored = await blobs.put(Buffer.from(canonicalJson(signed)));
      await deps.planes.apply(signed);
      const live = { ...draft, manifest: stored.digest, state: 'live' as const };
      await store.write(makeLive, { live, at: now() });
      if (target.name === deps.settings().environments.at(-1)?.name) {
        await versions.setAlias({ model: version.model, alias: 'champion', version: version.version, by: request.by });
      }
      return live;
    } catch (error) {
      await fail(draft, messageOf(error));
      throw error;
    }
  };

  async function startDeployment(
    tx: Tx,
    args: {
      id: string;
      environment: string;
      endpoint: string;
      version: ModelVersion;
      reason: string;
      certification: string | undefined;
      approvals: readonly string[];
      by: Actor;
      at: string;
    },
  ): Promise<Deployment> {
    await tx.lock(`release:${args.environment}`);
    const underWay = await selectByState(tx, args.environment, 'rolling');
    if (underWay !== undefined) {
      throw new GyreError(
        'ABORTED',
        `a switch of "${args.environment}" (deployment ${underWay.id}) is under way; try again when it has ended`,
      );
    }
    const draft: Deployment = {
      id: args.id,
      environment: args.environment,
      endpoint: args.endpoint,
      generation: (await lastGeneration(tx, args.environment)) + 1,
      modelVersion: args.version.id,
      package: args.version.package,
      state: 'rolling',
      reason: args.reason,
      ...(args.certification === undefined ? {} : { certification: args.certification }),
      approvals: [...args.approvals],
      deployedBy: args.by,
      deployedAt: args.at,
    };
    await insertDeployment(tx, draft);
    events.publish(tx, {
      type: eventType('deployment.started'),
      subject: draft.id,
      actor: args.by.identity,
      reason: args.reason,
      data: {
        id: draft.id,
        environment: draft.environment,
        generation: draft.generation,
        modelVersion: draft.modelVersion,
      },
    });
    return draft;
  }

  async function makeLive(tx: Tx, { live, at }: { live: Deployment & { readonly manifest: string }; at: string }): Promise<void> {
    const previous = await selectByState(tx, live.environment, 'live');
    if (previous !== undefined && previous.id !== live.id) await updateDeployment(tx, { ...previous, state: 'superseded', endedAt: at });
    await updateDeployment(tx, live);
    events.publish(tx, {
      type: eventType('deployment.live'),
      subject: live.id,
      actor: live.deployedBy.identity,
      reason: live.reason,
      data: {
        id: live.id,
        environment: live.environment,
        generation: live.generation,
        modelVersion: live.modelVersion,
        manifest: live.manifest,
      },
    });
  }

  async function markFailed(tx: Tx, { draft, error, at }: { draft: Deployment; error: string; at: string }): Promise<void> {
    await updateDeployment(tx, { ...draft, state: 'failed', reason: `${draft.reason} (failed: ${error})`, endedAt: at });
    events.publish(tx, {
      type: eventType('deployment.failed'),
      subject: draft.id,
      actor: draft.deployedBy.identity,
      data: { id: draft.id, environment: draft.environment, modelVersion: draft.modelVersion, error },
    });
  }

  const fail = (draft: Deployment, error: string): Promise<void> => store.write(markFailed, { draft, error, at: now() });
  return { to: switchTo, fail };
}
