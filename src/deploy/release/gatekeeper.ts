import { GyreError } from '#core';
import { eventType } from '#contract';
import type { Actor, ModelVersion } from '#contract';
import type { Tx } from '#store';
import type { Environment, GateFacts } from './gates.ts';
import type { ReleaseDeps } from './port.ts';
import { selectApplicationTests, selectApprovals, selectCertifications } from './release-store.ts';

/** An attempt that a gate stopped. */
interface Refusal {
  readonly attempted: string;
  readonly version: ModelVersion;
  readonly environment: string;
  readonly by: Actor;
  readonly reasons: readonly { readonly gate: string; readonly reason: string }[];
  readonly code?: 'FAILED_PRECONDITION' | 'PERMISSION_DENIED';
}

/** Gathers what gates judge by, and records each attempt that they stop. */
export interface Gatekeeper {
  /** @throws GyreError NOT_FOUND naming the environments that there are */
  environmentOf(name: string): Environment;
  gateFacts(version: ModelVersion, target: Environment): Promise<GateFacts>;
  /** Records the refusal, then throws it. */
  refuse(refusal: Refusal): Promise<never>;
}

export function gatekeeper(deps: ReleaseDeps): Gatekeeper {
  const { store, events } = deps;
  const environmentOf = (name: string): Environment => {
    const { environments } = deps.settings();
    const found = environments.find((environment) => environment.name === name);
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `no environment "${name}"; there are ${environments.map((known) => known.name).join(', ')}`);
  };
  const gateFacts = async (version: ModelVersion, target: Environment): Promise<GateFacts> => {
    const run = await deps.training.getRun(version.run);
    const [applicationTests, certifications, approvals] = await store.read(
      async (db) =>
        [
          await selectApplicationTests(db, version.id),
          await selectCertifications(db, version.id),
          await selectApprovals(db, version.id),
        ] as const,
    );
    return {
      version,
      authors: [...new Set([version.createdBy.identity, run.createdBy.identity])],
      target,
      environments: deps.settings().environments,
      applicationTests,
      certifications,
      approvals,
    };
  };

  return {
    environmentOf,
    gateFacts,
    refuse: async ({ attempted, version, environment, by, reasons, code = 'FAILED_PRECONDITION' }) => {
      const message = `${attempted} refused: ${reasons.map(({ reason }) => reason).join('; ')}`;
      await store.write(async function recordRefusal(tx: Tx) {
        events.publish(tx, {
          type: eventType('gate.refused'),
          subject: version.id,
          actor: by.identity,
          data: { gate: reasons.map(({ gate }) => gate).join(','), modelVersion: version.id, environment, attempted, message },
        });
      }, undefined);
      throw new GyreError(code, message, { modelVersion: version.id, environment, missing: reasons });
    },
  };
}
