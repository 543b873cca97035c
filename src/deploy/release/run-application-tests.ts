import { canonicalJson, digestOf, GyreError, isoInstant } from '#core';
import { eventType, isJudged } from '#contract';
import type { ApplicationTestReport, ExecutionSpec, JudgedVersion, TestProfile } from '#contract';
import { requireJudged } from '#registry';
import type { Tx } from '#store';
import { findings } from './application-tests.ts';
import { type Gatekeeper, lockVersion } from './gatekeeper.ts';
import { openLoadGenerator } from './load/generator.ts';
import { loggedAs, manifestFor, signManifest } from './manifest.ts';
import { openPlaneClient } from './plane-client.ts';
import type { ScratchPlane } from './planes.ts';
import type { ReleaseDeps } from './port.ts';
import { referenceRows } from './reference-rows.ts';
import { insertApplicationTest, selectByState } from './release-store.ts';
import { deeperFindings, type DeeperFindings } from './tests/deeper.ts';
import { whyIncomparable } from './tests/comparable.ts';
import { moreRowsFindings, type MoreRowsFindings } from './tests/more-rows.ts';
import { fullFindings, type FullFindings, type ToCompare } from './tests/full.ts';
import type { Tester } from './tests/runs/test-runs.ts';
import { requirementsOf, unansweredRows } from './tests/requirements.ts';

const requestTimeoutMs = 10_000;

const noneBeside = (environment: string): GyreError =>
  new GyreError('FAILED_PRECONDITION', `"${environment}" cannot start a data plane beside its own, which the full profile needs`);

/** Asks application tests of what an environment serves, and leaves their report. */
export function applicationTester(deps: ReleaseDeps, keeper: Gatekeeper): Omit<Tester, 'read'> {
  const { store, blobs, events, clock, newId, versions } = deps;
  const now = (): string => isoInstant(clock.now());

  /** A plane beside that serves a version as the environment's own would, and logs nothing. */
  const startScratch = async (
    environment: string,
    endpoint: string,
    version: JudgedVersion,
    otherwise: ExecutionSpec = {},
  ): Promise<ScratchPlane> => {
    if (deps.planes.scratch === undefined) throw noneBeside(environment);
    const { limits = {}, execution, explainTimeoutMs } = deps.settings();
    const { rate: _rate, ...unlimited } = limits;
    const manifest = manifestFor({
      environment,
      endpoint,
      generation: 1,
      version,
      log: loggedAs({}, false),
      // A rate of one caller would be all that saturation finds.
      limits: unlimited,
      execution: { ...execution, ...otherwise },
      ...(explainTimeoutMs === undefined ? {} : { explainTimeoutMs }),
      tokenHashes: await deps.tokenHashes(),
      createdAt: now(),
    });
    return deps.planes.scratch(signManifest(manifest, deps.privateKey));
  };
  /** The version that serves customers, where it is another one and can be asked with the same rows. */
  const inProduction = async (version: JudgedVersion): Promise<ToCompare> => {
    const last = deps.settings().environments.at(-1);
    const live = last === undefined ? undefined : await store.read((db) => selectByState(db, last.name, 'live'));
    if (live === undefined) return { why: 'nothing serves in production yet' };
    if (live.package === version.package) return { why: 'the same model serves in production' };
    const there = await versions.getById(live.modelVersion);
    if (!isJudged(there)) return { why: 'the version in production has no test report' };
    const why = whyIncomparable(version.signature, there.signature);
    return why === undefined ? { version: there } : { why };
  };
  const served = async (environment: string, profile: TestProfile) => {
    const target = keeper.environmentOf(environment);
    if (target.certify === undefined) {
      const certifying = deps.settings().environments.filter(({ certify }) => certify !== undefined);
      throw new GyreError(
        'FAILED_PRECONDITION',
        `"${target.name}" serves customers, whose log test requests would enter; application tests run where versions are certified: ${certifying.map(({ name }) => `"${name}"`).join(', ') || 'no environment does so'}`,
      );
    }
    if (profile === 'full' && deps.planes.scratch === undefined) throw noneBeside(target.name);
    const live = await store.read((db) => selectByState(db, target.name, 'live'));
    const address = deps.planes.address(target.name);
    if (live === undefined || address === undefined) {
      throw new GyreError('FAILED_PRECONDITION', `"${target.name}" serves no version: deploy one there before its application tests`);
    }
    return { target, live, address };
  };
  return {
    require: async ({ environment, profile = 'quick' }) => (await served(environment, profile)).live.modelVersion,
    test: async ({ environment, by, profile = 'quick' }, progress) => {
      const { target, live, address } = await served(environment, profile);
      const startedAt = now();
      const version = requireJudged(await versions.getById(live.modelVersion), 'an application test');
      const report = await deps.reports.getReport(version.testReport);
      await using model = await deps.reports.openModel(await versions.modelSource(version));
      const reference = await referenceRows({ data: deps.data, blobs, model, report, version });
      const targets = deps.settings();
      const { charter } = await deps.charter(version.charter);
      using client = openPlaneClient({ address, endpoint: live.endpoint, timeoutMs: requestTimeoutMs, ...deps.planeAccess });
      progress.at('the rows of its test report');
      const found = await findings({
        client,
        version,
        reference,
        thresholds: charter.success,
        targets,
        runLoad: async (load) => {
          progress.at('load');
          const { signal } = progress;
          await using generator = await openLoadGenerator({ address, ...load, timeoutMs: requestTimeoutMs, signal, ...deps.planeAccess });
          return await generator.offer({ ratePerSecond: targets.requestsPerSecond, durationMs: targets.durationMs });
        },
      });
      progress.at('groups, and perturbed rows');
      const personal = (await deps.personalInputs?.(version)) ?? [];
      const { unasked: ofGroups, ...deeper }: DeeperFindings =
        found.answered === undefined
          ? { checks: [], unasked: unansweredRows(profile) }
          : await deeperFindings({
              client,
              version,
              reference,
              ...found.answered,
              charter,
              personal,
              settings: targets,
              sleep: deps.sleep,
            });
      progress.at('other rows');
      const { unasked: ofRows, ...more }: MoreRowsFindings =
        found.answered === undefined
          ? { checks: [], unasked: {} }
          : await moreRowsFindings({
              deps,
              client,
              version,
              model,
              report,
              reference,
              charter,
              personal,
              champion: () => inProduction(version),
            });
      const { unasked, ...full }: FullFindings =
        profile !== 'full' || found.answered === undefined
          ? { checks: [], unasked: {} }
          : await fullFindings({
              deps,
              progress,
              version,
              endpoint: live.endpoint,
              scratch: (beside, otherwise) => startScratch(target.name, live.endpoint, beside, otherwise),
              reference,
              answers: found.answered.answers,
              personal,
              production: () => inProduction(version),
              settings: targets,
              timeoutMs: requestTimeoutMs,
            });
      progress.at('the report');
      const measured = {
        ...deeper,
        ...more,
        ...full,
        checks: [...found.checks, ...deeper.checks, ...more.checks, ...full.checks],
        load: found.load,
        accuracy: { dataset: reference.dataset, rows: reference.rows.length, metrics: { ...found.metrics } },
        profile,
      };
      const body = {
        id: newId(),
        modelVersion: version.id,
        package: version.package,
        environment: target.name,
        generation: live.generation,
        ...measured,
        requirements: [...requirementsOf(measured, { ...ofGroups, ...ofRows, ...unasked })],
        passed: measured.checks.every(({ passed }) => passed),
        startedAt,
        endedAt: now(),
        startedBy: by,
      };
      const applicationTest: ApplicationTestReport = { ...body, digest: digestOf(body) };
      await blobs.put(Buffer.from(canonicalJson(body)));
      await store.write(async function recordApplicationTest(tx: Tx) {
        await lockVersion(tx, version);
        if ((await selectByState(tx, target.name, 'live'))?.id !== live.id) {
          throw new GyreError('ABORTED', `"${target.name}" was switched while its application tests ran: they say nothing; run them again`);
        }
        await insertApplicationTest(tx, applicationTest);
        events.publish(tx, {
          type: eventType('application_test.finished'),
          subject: applicationTest.id,
          actor: by.identity,
          data: {
            id: applicationTest.id,
            digest: applicationTest.digest,
            modelVersion: version.id,
            environment: target.name,
            passed: applicationTest.passed,
          },
        });
      }, undefined);
      return applicationTest;
    },
  };
}
