import { canonicalJson, digestOf, GyreError, isoInstant } from '#core';
import { eventType } from '#contract';
import type { ApplicationTestReport } from '#contract';
import { requireJudged } from '#registry';
import type { Tx } from '#store';
import { findings } from './application-tests.ts';
import { type Gatekeeper, lockVersion } from './gatekeeper.ts';
import { openLoadGenerator } from './load/generator.ts';
import { openPlaneClient } from './plane-client.ts';
import type { Release, ReleaseDeps } from './port.ts';
import { referenceRows } from './reference-rows.ts';
import { insertApplicationTest, selectByState } from './release-store.ts';
import { deeperFindings, type DeeperFindings } from './tests/deeper.ts';
import { requirementsOf } from './tests/requirements.ts';

const requestTimeoutMs = 10_000;

/** Runs application tests against what an environment serves, and leaves their report. */
export function applicationTestRunner(deps: ReleaseDeps, keeper: Gatekeeper): Pick<Release, 'runApplicationTests'> {
  const { store, blobs, events, clock, newId, versions } = deps;
  const now = (): string => isoInstant(clock.now());
  return {
    runApplicationTests: async ({ environment, by }) => {
      const target = keeper.environmentOf(environment);
      if (target.certify === undefined) {
        const certifying = deps.settings().environments.filter(({ certify }) => certify !== undefined);
        throw new GyreError(
          'FAILED_PRECONDITION',
          `"${target.name}" serves customers, whose log test requests would enter; application tests run where versions are certified: ${certifying.map(({ name }) => `"${name}"`).join(', ') || 'no environment does so'}`,
        );
      }
      const live = await store.read((db) => selectByState(db, target.name, 'live'));
      const address = deps.planes.address(target.name);
      if (live === undefined || address === undefined) {
        throw new GyreError('FAILED_PRECONDITION', `"${target.name}" serves no version: deploy one there before its application tests`);
      }
      const startedAt = now();
      const version = requireJudged(await versions.getById(live.modelVersion), 'an application test');
      const report = await deps.reports.getReport(version.testReport);
      await using model = await deps.reports.openModel(await versions.modelSource(version));
      const reference = await referenceRows({ data: deps.data, blobs, model, report, version });
      const targets = deps.settings();
      using client = openPlaneClient({ address, endpoint: live.endpoint, timeoutMs: requestTimeoutMs, ...deps.planeAccess });
      const found = await findings({
        client,
        version,
        reference,
        thresholds: (await deps.charter(version.charter)).charter.success,
        targets,
        runLoad: async (load) => {
          await using generator = await openLoadGenerator({ address, ...load, timeoutMs: requestTimeoutMs, ...deps.planeAccess });
          return await generator.offer({ ratePerSecond: targets.requestsPerSecond, durationMs: targets.durationMs });
        },
      });
      const { charter } = await deps.charter(version.charter);
      const personal = (await deps.personalInputs?.(version)) ?? [];
      const deeper: DeeperFindings =
        found.answered === undefined
          ? { checks: [] }
          : await deeperFindings({ client, version, reference, ...found.answered, charter, personal, settings: targets });
      const measured = {
        ...deeper,
        checks: [...found.checks, ...deeper.checks],
        load: found.load,
        accuracy: { dataset: reference.dataset, rows: reference.rows.length, metrics: { ...found.metrics } },
        profile: 'quick' as const,
      };
      const body = {
        id: newId(),
        modelVersion: version.id,
        package: version.package,
        environment: target.name,
        generation: live.generation,
        ...measured,
        requirements: [...requirementsOf(measured)],
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
