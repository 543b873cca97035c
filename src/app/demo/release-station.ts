import type { ApplicationTestReport, Approval, Certification, Deployment, ModelVersion, Readiness } from '#contract';
import type { Page } from './client.ts';
import { people } from './client.ts';
import { environmentNames, goOn, type Stage } from './stage.ts';

/**
 * A version's way into production: test environment, application tests, certification, approval, switch. What is on record
 * already is not done again.
 */
export async function release(stage: Stage, version: ModelVersion, reason: string): Promise<Deployment> {
  const { cast, tell } = stage;
  const { test, production } = await environmentNames(stage);
  const known = await cast.operator.get<Page<Deployment>>('deployments', { environment: production });
  const live = known.items.find(({ state, modelVersion }) => modelVersion === version.id && (state === 'live' || state === 'superseded'));
  if (live === undefined) await tellGate(stage, version, production);
  const report = await applicationTests(stage, version, test, reason);
  goOn(stage);
  const certification = await certify(stage, version, report);
  const approval = await approve(stage, version, production, certification);
  goOn(stage);
  const deployment =
    live ?? (await cast.operator.post<Deployment>(`environments/${production}/release`, { modelVersion: version.id, reason }));
  const before = Math.max(0, ...known.items.map(({ generation }) => generation).filter((generation) => generation < deployment.generation));
  const from = before === 0 ? 'from nothing' : `from generation ${before}`;
  tell.station(
    'release',
    `${production} switched ${from} to generation ${deployment.generation}: ${version.model} version ${version.version}, approved by ${approval.approvedBy.name}`,
    live !== undefined,
  );
  return deployment;
}

/** Shows that nothing goes into production before its time: the platform itself says what is missing. */
async function tellGate({ cast, tell }: Stage, version: ModelVersion, production: string): Promise<void> {
  const readiness = await cast.operator.get<Readiness>('readiness', { modelVersion: version.id, environment: production });
  const [first] = readiness.missing;
  if (first !== undefined) tell.station('gates', `not yet ready for ${production}: ${first.reason}`);
}

/** How often a report whose load alone fell short is measured again: others at work on the machine stall it for a moment. */
const loadRetries = 2;

async function applicationTests(stage: Stage, version: ModelVersion, environment: string, reason: string): Promise<ApplicationTestReport> {
  const { cast, tell } = stage;
  const known = await cast.qa.get<Page<ApplicationTestReport>>('application-tests', { modelVersion: version.id });
  const passed = known.items.find((report) => report.passed);
  if (passed !== undefined) {
    tellReport(stage, passed, true);
    return passed;
  }
  await cast.scientist.post<Deployment>(`environments/${environment}/deploy`, { modelVersion: version.id, reason });
  for (let retry = 0; ; retry++) {
    const report = await cast.qa.post<ApplicationTestReport>(`environments/${environment}/tests`, {});
    tellReport(stage, report, false);
    if (retry === loadRetries || !fellShortUnderLoadAlone(report)) return report;
    tell.station('', 'only the load fell short, which a busy machine does too: QA measures again');
  }
}

function fellShortUnderLoadAlone({ checks }: ApplicationTestReport): boolean {
  const failed = checks.filter((check) => !check.passed);
  return failed.length > 0 && failed.every(({ name }) => name === 'load: latency' || name === 'load: throughput');
}

function tellReport({ tell }: Stage, report: ApplicationTestReport, kept: boolean): void {
  const good = report.checks.filter((check) => check.passed).length;
  const { load } = report;
  const figures =
    load === undefined
      ? ''
      : `; ${load.requests} requests at ${Math.round(load.ratePerSecond)}/s: p99 ${load.p99Ms.toFixed(1)} ms, ${load.errors} errors`;
  tell.station('app tests', `${good} of ${report.checks.length} checks passed over HTTP in "${report.environment}"${figures}`, kept);
  for (const check of report.checks.filter((candidate) => !candidate.passed)) tell.station('', `failed: ${check.message}`);
}

async function certify({ cast, tell }: Stage, version: ModelVersion, report: ApplicationTestReport): Promise<Certification> {
  const known = await cast.qa.get<Page<Certification>>('certifications', { modelVersion: version.id });
  const kept = known.items.find(({ verdict, reportDigest }) => verdict === 'certified' && reportDigest === report.digest);
  const certification =
    kept ??
    (await cast.qa.post<Certification>('certifications', {
      report: report.id,
      verdict: 'certified',
      statement: 'All checks of the application tests passed; figures agree with the test report.',
    }));
  tell.station('certificate', `${people.qa.name} (QA, simulated) certified report ${report.digest.slice(0, 12)}`, kept !== undefined);
  return certification;
}

async function approve({ cast, tell }: Stage, version: ModelVersion, environment: string, certification: Certification): Promise<Approval> {
  const known = await cast.approver.get<Page<Approval>>('approvals', { modelVersion: version.id });
  const kept = known.items.find((approval) => approval.verdict === 'approved' && approval.environment === environment);
  const approval =
    kept ??
    (await cast.approver.post<Approval>('approvals', {
      modelVersion: version.id,
      environment,
      verdict: 'approved',
      statement: `Certified by ${certification.certifiedBy.name}; goes live for the pilot team.`,
    }));
  tell.station('approval', `${people.approver.name} (owner’s side, simulated) approved it for "${environment}"`, kept !== undefined);
  return approval;
}
