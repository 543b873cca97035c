import { asSha256, GyreError, messageOf } from '#core';
import { eventType, isTrained } from '#contract';
import type { Actor, ModelVersion } from '#contract';
import type { Db, Tx } from '#store';
import type { Environment, GateFacts, Missing } from './gates.ts';
import type { ReleaseDeps } from './port.ts';
import { readAttestations, readDecisions } from './decisions/read-decisions.ts';
import type { DecisionSigner } from './decisions/signature.ts';
import { selectFindings } from './findings/findings-store.ts';
import { selectDrift } from './policy/drift-store.ts';
import { inForce, type InForce, newestPolicies, underPolicy } from './policy/in-force.ts';
import { withoutLapsed } from './policy/lapse.ts';
import { selectApplicationTests } from './release-store.ts';

/** An attempt that a gate stopped. */
interface Refusal {
  readonly attempted: string;
  readonly version: ModelVersion;
  readonly environment: string;
  readonly by: Actor;
  readonly reasons: readonly Missing[];
  readonly code?: 'FAILED_PRECONDITION' | 'PERMISSION_DENIED';
}

/** Reads a version's facts as they stand in a snapshot or a transaction. */
export type FactsReader = (db: Db) => Promise<GateFacts>;

/** Gathers what gates judge by, and records each attempt that they stop. */
export interface Gatekeeper {
  /** @throws GyreError NOT_FOUND naming the environments that there are */
  environmentOf(name: string): Environment;
  /** Who started the training run and who registered the version: ids of identities. */
  authorsOf(version: ModelVersion): Promise<readonly string[]>;
  /** By which policy an environment is released to. */
  policyIn(db: Db, environment: string): Promise<InForce>;
  /**
   * What other rooms know of the version is read at once; its tests and sign-offs whenever the reader is called.
   * @param options.bytes whether the bytes of its package are read where the policy asks for that, which takes as long as they are. Default true;
   *   what goes back, or is only looked at, needs them not
   */
  factsReader(version: ModelVersion, target: Environment, options?: { readonly bytes?: boolean }): Promise<FactsReader>;
  /** Records the refusal, then throws it. */
  refuse(refusal: Refusal): Promise<never>;
}

/** Tests, sign-offs and switches of one version go one after the other: what a gate judged by still holds when it lets something through. */
export function lockVersion(tx: Tx, version: Pick<ModelVersion, 'id'>): Promise<void> {
  return tx.lock(`release:version:${version.id}`);
}

/** @param signer tells which decisions are accepted */
export function gatekeeper(deps: ReleaseDeps, signer: DecisionSigner): Gatekeeper {
  const { store, events } = deps;
  async function recordRefusal(tx: Tx, { refusal, message }: { refusal: Refusal; message: string }): Promise<void> {
    const { attempted, version, environment, by, reasons } = refusal;
    events.publish(tx, {
      type: eventType('gate.refused'),
      subject: version.id,
      actor: by.identity,
      data: { gate: reasons.map(({ gate }) => gate).join(','), modelVersion: version.id, environment, attempted, message },
    });
    await Promise.resolve();
  }
  const policyIn = async (db: Db, environment: string): Promise<InForce> => inForce(await newestPolicies(db), deps.settings(), environment);

  /** Reads every byte of a package. @returns what is wrong with it */
  async function damageOf(version: ModelVersion): Promise<string | undefined> {
    try {
      for (const { digest } of version.files ?? []) await deps.blobs.verify(asSha256(digest));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async function authorsOf(version: ModelVersion): Promise<readonly string[]> {
    const run = isTrained(version) ? await deps.training.getRun(version.run) : undefined;
    return [...new Set([version.createdBy.identity, ...(run === undefined ? [] : [run.createdBy.identity])])];
  }

  return {
    policyIn,
    authorsOf,
    environmentOf: (name) => {
      const { environments } = deps.settings();
      const found = environments.find((environment) => environment.name === name);
      if (found !== undefined) return found;
      throw new GyreError('NOT_FOUND', `no environment "${name}"; there are ${environments.map((known) => known.name).join(', ')}`);
    },
    factsReader: async (version, target, { bytes = true } = {}) => {
      const authors = await authorsOf(version);
      const { environments } = deps.settings();
      const isRead = bytes && asksForBytes(await store.read((db) => policyIn(db, target.name)));
      const damage = !bytes
        ? undefined
        : isRead
          ? await damageOf(version)
          : 'its bytes were not read: it is asked for since just now; try again';
      return async (db) => {
        const holding = await policyIn(db, target.name);
        return {
          version,
          authors,
          target: underPolicy(target, holding),
          environments,
          applicationTests: await selectApplicationTests(db, version.id),
          inForce: holding,
          attestations: await readAttestations(db, signer, version),
          findings: await selectFindings(db, { modelVersion: version.id, state: 'open' }),
          ...(asksForBytes(holding) && damage !== undefined ? { damage } : {}),
          ...withoutLapsed(await readDecisions(db, signer, version), holding, await selectDrift(db, version.id), deps.clock.now()),
        };
      };
    },
    refuse: async (refusal) => {
      const { attempted, version, environment, reasons, code = 'FAILED_PRECONDITION' } = refusal;
      const message = `${attempted} refused: ${reasons.map(({ reason }) => reason).join('; ')}`;
      await store.write(recordRefusal, { refusal, message });
      throw new GyreError(code, message, { modelVersion: version.id, environment, missing: reasons });
    },
  };
}

function asksForBytes({ policy: { policy } }: InForce): boolean {
  return policy.stages?.some(({ evidence }) => evidence.some((item) => 'check' in item && item.check === 'package')) === true;
}
