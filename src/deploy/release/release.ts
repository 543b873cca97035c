import { isDeepStrictEqual } from 'node:util';
import { GyreError, messageOf } from '#core';
import type { Db } from '#store';
import { isJudged } from '#contract';
import type { Actor, ApplicationTestReport, Deployment, EnvironmentState, ModelVersion } from '#contract';
import { requireJudged } from '#registry';
import { deliveryVerbs } from './delivery/delivery.ts';
import { listDecisions } from './decisions/read-decisions.ts';
import { revocations } from './decisions/revoke.ts';
import { decisionSigner } from './decisions/signature.ts';
import { selectRevocation } from './decisions/decisions-store.ts';
import { endpointVerbs } from './endpoints.ts';
import { judgeReadiness, missingGates, validApprovals, validCertifications, withdrawals, type Environment, type Missing } from './gates.ts';
import { openFindings } from './findings/findings.ts';
import { liveExplainer } from './explain-live.ts';
import { gatekeeper } from './gatekeeper.ts';
import { attestations } from './policy/attestations.ts';
import { referenceTo, underPolicy } from './policy/in-force.ts';
import { expiries } from './policy/expiry.ts';
import { openPolicies } from './policy/policies.ts';
import { signOffQueue } from './queue/queue.ts';
import type { PlaneProblem, Release, ReleaseDeps, RollRequest } from './port.ts';
import {
  selectApplicationTest,
  selectApplicationTests,
  selectApprovals,
  selectByGeneration,
  selectByState,
  selectCertifications,
  selectDeployment,
  selectDeployments,
  selectEarlierDeployments,
  selectRolling,
} from './release-store.ts';
import { openRollouts } from './rollout/rollouts.ts';
import { refuseUnderWay } from './rollout/records.ts';
import { selectUnderWay } from './rollout/rollout-store.ts';
import { applicationTester } from './run-application-tests.ts';
import { signOff } from './sign-off.ts';
import { openSwitch } from './switch.ts';
import { openTestRuns } from './tests/runs/test-runs.ts';

/** Opens the room. Nothing is deployed before `resume` or a verb asks for it. */
export function openRelease(deps: ReleaseDeps): Release {
  const { store, versions } = deps;
  const signer = decisionSigner(deps.privateKey);
  const keeper = gatekeeper(deps, signer);
  const switches = openSwitch(deps);
  const lastEnvironment = (): Environment | undefined => deps.settings().environments.at(-1);
  /** What a start puts right. A switch that begins meanwhile waits for it, lest it be taken for one that a dead process left. */
  let resumed: Promise<unknown> = Promise.resolve();
  const readReport = async (id: string): Promise<ApplicationTestReport> =>
    found(await store.read((db) => selectApplicationTest(db, id)), `application test report "${id}"`);
  const tester = applicationTester(deps, keeper);
  const testRuns = openTestRuns(deps, {
    ...tester,
    read: readReport,
    require: async (request) => {
      await resumed;
      return tester.require(request);
    },
  });
  const rollouts = openRollouts(deps, keeper, switches, () => resumed);
  const refused = (what: string, version: ModelVersion, request: Omit<RollRequest, 'modelVersion'>, reasons: readonly Missing[]) =>
    keeper.refuse({
      attempted: `${what} ${version.model} version ${version.version} to "${request.environment}"`,
      version,
      environment: request.environment,
      by: request.by,
      reasons,
    });

  /** The plane's manifest, with the tokens that may infer now: the recorded one, or where they have changed a new generation of it. */
  const serve = async (target: Environment, live: Deployment, by: Actor): Promise<void> => {
    if (live.manifest === undefined) return;
    const signed = await switches.readManifest(live.manifest);
    const tokens = await deps.tokenHashes();
    if (isDeepStrictEqual([...signed.manifest.tokenHashes].sort(), [...tokens].sort())) {
      await deps.planes.apply(signed, { keep: true });
      return;
    }
    await switches.to({
      version: requireJudged(await versions.getById(live.modelVersion), 'what is served'),
      target,
      reason: 'the tokens that may infer have changed',
      by,
      ...(live.backTo === undefined ? {} : { backTo: live.backTo }),
      ...(live.traffic === undefined ? {} : { traffic: live.traffic }),
      ending: 'superseded',
      keep: true,
      judge: async (db) => {
        if ((await selectByState(db, target.name, 'live'))?.id !== live.id) {
          throw new GyreError('ABORTED', `"${target.name}" was switched meanwhile, with the tokens that may infer`);
        }
        // The same version stays in its place, on the sign-offs that it was released on.
        return { certification: live.certification, approvals: live.approvals };
      },
    });
  };
  const putRight = async (by: Actor, begin: Promise<boolean>): Promise<readonly PlaneProblem[]> => {
    for (const interrupted of await store.read(selectRolling)) {
      await switches.fail(interrupted, 'the process ended during the switch');
    }
    if (!(await begin)) return [];
    const problems = await Promise.all(
      deps.settings().environments.map(async (target): Promise<readonly PlaneProblem[]> => {
        const live = await store.read((db) => selectByState(db, target.name, 'live'));
        if (live?.manifest === undefined) {
          await deps.planes.clear?.(target.name);
          return [];
        }
        try {
          await serve(target, live, by);
          const version = await versions.getById(live.modelVersion);
          if (target.name === lastEnvironment()?.name && !version.aliases.includes('champion')) {
            await switches.nameChampion(version, live.deployedBy);
          }
          return [];
        } catch (error) {
          return [{ environment: target.name, reason: messageOf(error) }];
        }
      }),
    );
    return problems.flat();
  };

  const rollBack: Release['rollBack'] = async (request) => {
    await resumed;
    const target = keeper.environmentOf(request.environment);
    const underWay = request.generation === undefined ? await store.read((db) => selectUnderWay(db, target.name)) : undefined;
    if (underWay !== undefined) {
      await rollouts.rollBack({ id: underWay.id, reason: request.reason, by: request.by });
      return found(await store.read((db) => selectByState(db, target.name, 'live')), `live deployment in "${target.name}"`);
    }
    const { live, before } = await store.read((db) => wayBack(db, target.name, request.generation));
    const version = requireJudged(await versions.getById(before.modelVersion), 'a rollback');
    const factsIn = await keeper.factsReader(version, target, { bytes: false });
    const switched = await switches.to({
      version,
      target,
      reason: request.reason,
      by: request.by,
      backTo: before.backTo ?? before.generation,
      ending: 'rolled_back',
      judge: async (db) => {
        await refuseUnderWay(db, target.name);
        if ((await selectByState(db, target.name, 'live'))?.id !== live.id) {
          throw new GyreError('ABORTED', `"${target.name}" was switched meanwhile; look at what it serves now, then decide again`);
        }
        const missing = withdrawals(await factsIn(db), before);
        // It passed its gates when it was released: it comes back on the same sign-offs.
        return missing.length > 0 ? { missing } : { certification: before.certification, approvals: before.approvals };
      },
    });
    return 'live' in switched ? switched.live : refused('rollback of', version, request, switched.missing);
  };
  const expiring = expiries(deps);
  const revoking = revocations(deps, keeper, signer, { rollBack, rollouts });

  const environments: Release['environments'] = async () => {
    const served = new Map<string, EnvironmentState['agents']>();
    for (const { name, agents } of deps.settings().environments) if (agents === true) served.set(name, await deps.planes.agents?.(name));
    return store.read(async (db) => {
      const { environments, endpoint } = deps.settings();
      const states = [];
      for (const environment of environments) {
        const { name, position } = environment;
        const holding = await keeper.policyIn(db, name);
        const live = await selectByState(db, name, 'live');
        const agents = served.get(name);
        const address = deps.planes.address(name);
        const grpcAddress = deps.planes.grpcAddress?.(name);
        const problem = live === undefined ? undefined : await revoking.problemOf(db, live);
        states.push({
          name,
          position,
          endpoint: live?.endpoint ?? endpoint,
          policy: referenceTo(holding.policy),
          approvals: underPolicy(environment, holding).approvals,
          ...(live === undefined ? {} : { live }),
          ...(address === undefined ? {} : { address }),
          ...(grpcAddress === undefined ? {} : { grpcAddress }),
          ...(live === undefined ? {} : await expiring.expiryIn(db, live)),
          ...(agents === undefined ? {} : { agents }),
          ready: live !== undefined && (agents === undefined ? address !== undefined : agents.inStep > 0),
          ...(problem === undefined ? {} : { problem }),
        });
      }
      return states;
    });
  };

  return {
    ...signOff(deps, keeper, signer),
    ...attestations(deps, keeper, signer),
    ...signOffQueue(deps, keeper, expiring),
    tellExpired: expiring.tellExpired,
    recordDrift: expiring.recordDrift,
    policies: openPolicies(deps),
    findings: openFindings(deps, keeper),
    ...liveExplainer(deps, keeper),
    ...deliveryVerbs(deps, keeper),
    testRuns,
    runApplicationTests: async (request) => testRuns.report((await testRuns.start(request)).id),
    environments,
    rollouts,
    ...endpointVerbs(deps, environments, switches),

    readiness: async (modelVersion, environment) => {
      const target = keeper.environmentOf(environment);
      return judgeReadiness(await store.read(await keeper.factsReader(await versions.getById(modelVersion), target)));
    },

    roll: async (request) => {
      await resumed;
      const target = keeper.environmentOf(request.environment);
      const version = await versions.getById(request.modelVersion);
      const live = await store.read((db) => selectByState(db, target.name, 'live'));
      const isStepwise = deps.settings().rollouts?.[target.name] !== undefined && request.atOnce !== true;
      if (isStepwise && live !== undefined && live.modelVersion !== version.id) {
        await rollouts.start(request);
        return found(await store.read((db) => selectByState(db, target.name, 'live')), `live deployment in "${target.name}"`);
      }
      const factsIn = await keeper.factsReader(version, target);
      if (!isJudged(version)) return refused('release of', version, request, missingGates(await store.read(factsIn)));
      const switched = await switches.to({
        version,
        target,
        reason: request.reason,
        by: request.by,
        ending: 'superseded',
        judge: async (db) => {
          await refuseUnderWay(db, target.name);
          const facts = await factsIn(db);
          const missing = missingGates(facts);
          if (missing.length > 0) return { missing };
          return { certification: validCertifications(facts).at(0)?.id, approvals: validApprovals(facts).map(({ id }) => id) };
        },
      });
      return 'live' in switched ? switched.live : refused('release of', version, request, switched.missing);
    },

    rollBack,
    revoke: revoking.revoke,
    takeOutRevoked: revoking.takeOutRevoked,
    decisions: async (modelVersion) => {
      const version = await versions.getById(modelVersion);
      return store.read((db) => listDecisions(db, signer, version));
    },

    championRefusal: async (version) => {
      const target = lastEnvironment();
      if (target === undefined) return undefined;
      const factsIn = await keeper.factsReader(version, target);
      const { live, missing } = await store.read(async (db) => ({
        live: await selectByState(db, target.name, 'live'),
        missing: missingGates(await factsIn(db)),
      }));
      const isRevoked = missing.some(({ gate }) => gate === 'revocation');
      if (live?.modelVersion === version.id && !isRevoked) return undefined;
      return [...missing.map(({ reason }) => reason), `the alias follows a release to "${target.name}"`].join('; ');
    },

    resume: async (by, begin = Promise.resolve(true)) => {
      const work = putRight(by, begin);
      resumed = work.catch(() => undefined);
      const problems = await work;
      if (!(await begin)) return problems;
      const stillServed = (await revoking.takeOutRevoked(by)).filter(({ outcome }) => outcome === 'still_served');
      return [
        ...problems,
        ...stillServed.map(({ environment, reason = '' }) => ({ environment, reason: `serves a version that was revoked: ${reason}` })),
      ];
    },

    renewTokens: async (by) => {
      await resumed;
      // One that cannot be told keeps the others from nothing.
      const failed: Error[] = [];
      for (const target of deps.settings().environments) {
        try {
          const live = await store.read((db) => selectByState(db, target.name, 'live'));
          if (live !== undefined) await serve(target, live, by);
        } catch (error) {
          failed.push(error instanceof Error ? error : new GyreError('INTERNAL', messageOf(error)));
        }
      }
      if (failed.length > 0) throw failed[0];
    },

    deployments: (filter = {}) => store.read((db) => selectDeployments(db, filter)),
    deploymentOf: (environment, generation) => store.read((db) => selectByGeneration(db, environment, generation)),
    getDeployment: async (id) => found(await store.read((db) => selectDeployment(db, id)), `deployment "${id}"`),
    getManifest: (digest) => switches.readManifest(digest),
    getApplicationTest: readReport,
    applicationTests: (modelVersion) => store.read((db) => selectApplicationTests(db, modelVersion)),
    certifications: (modelVersion) => store.read((db) => selectCertifications(db, modelVersion)),
    approvals: (modelVersion) => store.read((db) => selectApprovals(db, modelVersion)),
  };
}

/** What an environment serves, and what it is to go back to. @param generation default: the version before */
async function wayBack(db: Db, environment: string, generation: number | undefined): Promise<{ live: Deployment; before: Deployment }> {
  const live = await selectByState(db, environment, 'live');
  const none = (): GyreError =>
    new GyreError('FAILED_PRECONDITION', `"${environment}" has served no other version that it could go back to`);
  if (live === undefined) throw none();
  if (generation === undefined) {
    for (const before of await selectEarlierDeployments(db, live)) {
      if ((await selectRevocation(db, before.package)) === undefined) return { live, before };
    }
    throw none();
  }
  const before = await selectByGeneration(db, environment, generation);
  if (before?.manifest === undefined)
    throw new GyreError(
      'NOT_FOUND',
      `generation ${generation} never was live in "${environment}"; gyre release history lists those that were`,
      {
        environment,
        generation,
      },
    );
  if (before.modelVersion === live.modelVersion)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `"${environment}" serves the version of generation ${generation} already (generation ${live.generation})`,
    );
  return { live, before };
}

function found<T>(record: T | undefined, what: string): T {
  if (record === undefined) throw new GyreError('NOT_FOUND', `no ${what}`);
  return record;
}
