import { asSha256, GyreError, isoInstant } from '#core';
import { eventType } from '#contract';
import type { SignedManifest } from '#contract';
import type { Tx } from '#store';
import { judgeReadiness, type Environment } from './gates.ts';
import { gatekeeper } from './gatekeeper.ts';
import type { Release, ReleaseDeps } from './port.ts';
import {
  selectApplicationTest,
  selectApplicationTests,
  selectApprovals,
  selectByGeneration,
  selectByState,
  selectCertifications,
  selectDeployment,
  selectDeployments,
  updateDeployment,
} from './release-store.ts';
import { applicationTestRunner } from './run-application-tests.ts';
import { signOff } from './sign-off.ts';
import { openSwitch } from './switch.ts';

/** Opens the room. Nothing is deployed before `resume` or a verb asks for it. */
export function openRelease(deps: ReleaseDeps): Release {
  const { store, blobs, events, clock, versions } = deps;
  const now = (): string => isoInstant(clock.now());
  const keeper = gatekeeper(deps);
  const switches = openSwitch(deps);
  const lastEnvironment = (): Environment | undefined => deps.settings().environments.at(-1);
  return {
    ...applicationTestRunner(deps, keeper),
    ...signOff(deps, keeper),
    environments: async () =>
      store.read(async (db) => {
        const { environments, endpoint } = deps.settings();
        const states = [];
        for (const { name, position } of environments) {
          const live = await selectByState(db, name, 'live');
          const address = deps.planes.address(name);
          states.push({
            name,
            position,
            endpoint,
            ...(live === undefined ? {} : { live }),
            ...(address === undefined ? {} : { address }),
            ready: live !== undefined && address !== undefined,
          });
        }
        return states;
      }),

    readiness: async (modelVersion, environment) =>
      judgeReadiness(await keeper.gateFacts(await versions.getById(modelVersion), keeper.environmentOf(environment))),

    roll: async (request) => {
      const target = keeper.environmentOf(request.environment);
      const version = await versions.getById(request.modelVersion);
      const facts = await keeper.gateFacts(version, target);
      const { ready, missing } = judgeReadiness(facts);
      if (!ready)
        return keeper.refuse({
          attempted: `release of ${version.model} version ${version.version} to "${target.name}"`,
          version,
          environment: target.name,
          by: request.by,
          reasons: missing,
        });
      return switches.to(version, target, request, facts);
    },

    rollBack: async (request) => {
      const target = keeper.environmentOf(request.environment);
      const history = await store.read((db) => selectDeployments(db, { environment: target.name }));
      const live = history.find(({ state }) => state === 'live');
      const before = history.find(({ state, modelVersion }) => state === 'superseded' && modelVersion !== live?.modelVersion);
      if (live === undefined || before === undefined) {
        throw new GyreError('FAILED_PRECONDITION', `"${target.name}" has served no other version that it could go back to`);
      }
      const version = await versions.getById(before.modelVersion);
      const back = await switches.to(version, target, request, await keeper.gateFacts(version, target));
      await store.write(async function markRolledBack(tx: Tx) {
        await updateDeployment(tx, { ...live, state: 'rolled_back', endedAt: now() });
        events.publish(tx, {
          type: eventType('deployment.rolled_back'),
          subject: live.id,
          actor: request.by.identity,
          reason: request.reason,
          data: { id: live.id, environment: target.name, modelVersion: live.modelVersion, to: back.modelVersion },
        });
      }, undefined);
      return back;
    },

    championRefusal: async (version) => {
      const target = lastEnvironment();
      if (target === undefined) return undefined;
      const live = await store.read((db) => selectByState(db, target.name, 'live'));
      if (live?.modelVersion === version.id) return undefined;
      const { missing } = judgeReadiness(await keeper.gateFacts(version, target));
      const next = `the alias follows a release to "${target.name}"`;
      return missing.length === 0 ? next : `${missing.map(({ reason }) => reason).join('; ')}; ${next}`;
    },

    resume: async () => {
      for (const { name } of deps.settings().environments) {
        const interrupted = await store.read((db) => selectByState(db, name, 'rolling'));
        if (interrupted !== undefined) await switches.fail(interrupted, 'the process ended during the switch');
        const live = await store.read((db) => selectByState(db, name, 'live'));
        if (live?.manifest !== undefined) await deps.planes.apply(await readManifest(live.manifest));
      }
    },

    deployments: (filter = {}) => store.read((db) => selectDeployments(db, filter)),
    deploymentOf: (environment, generation) => store.read((db) => selectByGeneration(db, environment, generation)),
    getDeployment: async (id) => found(await store.read((db) => selectDeployment(db, id)), `deployment "${id}"`),
    getManifest: (digest) => readManifest(digest),
    getApplicationTest: async (id) => found(await store.read((db) => selectApplicationTest(db, id)), `application test report "${id}"`),
    applicationTests: (modelVersion) => store.read((db) => selectApplicationTests(db, modelVersion)),
    certifications: (modelVersion) => store.read((db) => selectCertifications(db, modelVersion)),
    approvals: (modelVersion) => store.read((db) => selectApprovals(db, modelVersion)),
  };

  async function readManifest(digest: string): Promise<SignedManifest> {
    return JSON.parse(Buffer.from(await blobs.read(asSha256(digest))).toString('utf8')) as SignedManifest;
  }
}

function found<T>(record: T | undefined, what: string): T {
  if (record === undefined) throw new GyreError('NOT_FOUND', `no ${what}`);
  return record;
}
