import type {
  ApplicationTestReport,
  Approval,
  Certification,
  DatasetVersion,
  Deployment,
  Evidence,
  Finding,
  ModelVersion,
  ReleaseSide,
  Run,
  SignedManifest,
  TestReport,
} from '#contract';
import { isJudged } from '#contract';
import { hasCode } from '#core';
import type { GovernanceDeps } from '../port.ts';

/** A version, or the deployment that brought one. */
export type SideOf = { readonly modelVersion: string } | { readonly deployment: string };

/** All that is on record of one side. What is not there is left out. */
export interface Gathered {
  readonly side: ReleaseSide;
  readonly version: ModelVersion;
  readonly deployment?: Deployment;
  readonly manifest?: SignedManifest;
  readonly run?: Run;
  readonly report?: TestReport;
  readonly evidence?: Evidence;
  /** What it learned from and was tested on, by what each was for. */
  readonly data: readonly { readonly role: string; readonly version: DatasetVersion }[];
  /** The newest of its package in each environment; of a deployment those that it was certified by. */
  readonly tests: readonly ApplicationTestReport[];
  readonly certifications: readonly Certification[];
  readonly approvals: readonly Approval[];
  readonly findings: readonly Finding[];
}

/** @throws GyreError NOT_FOUND for the version or the deployment itself */
export async function gather(deps: GovernanceDeps, of: SideOf): Promise<Gathered> {
  const { registry, release, training, evaluation } = deps;
  const deployment = 'deployment' in of ? await release.getDeployment(of.deployment) : undefined;
  const version = await registry.getById('modelVersion' in of ? of.modelVersion : (deployment?.modelVersion ?? ''));
  const { run: runId, testReport, brought } = version;
  const [run, report, evidence, manifest] = await Promise.all([
    runId === undefined || brought !== undefined ? undefined : kept(training.getRun(runId)),
    testReport === undefined ? undefined : kept(evaluation.getReport(testReport)),
    isJudged(version) ? kept(registry.evidence(version.id)) : undefined,
    deployment?.manifest === undefined ? undefined : kept(release.getManifest(deployment.manifest)),
  ]);
  const signOffs = await signOffsOf(deps, version, deployment);
  return {
    side: sideOf(version, deployment),
    version,
    ...(deployment === undefined ? {} : { deployment }),
    ...(manifest === undefined ? {} : { manifest }),
    ...(run === undefined ? {} : { run }),
    ...(report === undefined ? {} : { report }),
    ...(evidence === undefined ? {} : { evidence }),
    data: await dataOf(deps, run, report),
    ...signOffs,
    findings: await release.findings.list({ modelVersion: version.id }),
  };
}

function sideOf({ id, model, version, createdBy, createdAt }: ModelVersion, deployment: Deployment | undefined): ReleaseSide {
  const named = `${model} version ${version}`;
  const about = { modelVersion: id, model, version, createdBy, createdAt };
  if (deployment === undefined) return { title: named, ...about };
  const { environment, generation, state, reason, deployedBy, deployedAt } = deployment;
  return {
    title: `${named} in ${environment}, generation ${generation}`,
    ...about,
    deployment: { id: deployment.id, environment, generation, state, reason, deployedBy, deployedAt },
  };
}

async function dataOf({ data }: GovernanceDeps, run: Run | undefined, report: TestReport | undefined): Promise<Gathered['data']> {
  const inputs = [
    ...(run?.inputs ?? []).filter(({ role }) => role !== 'transform'),
    ...(report === undefined ? [] : [{ role: 'test', digest: report.dataset }]),
  ];
  const found = await Promise.all(inputs.map(async ({ role, digest }) => ({ role, version: await kept(data.get(digest)) })));
  return found.flatMap(({ role, version }) => (version === undefined ? [] : [{ role, version }]));
}

/** Of a deployment what it was released on; of a version what was last said of its package. */
async function signOffsOf(
  { release }: GovernanceDeps,
  version: ModelVersion,
  deployment: Deployment | undefined,
): Promise<Pick<Gathered, 'tests' | 'certifications' | 'approvals'>> {
  const ofPackage = (word: { readonly package: string }): boolean => word.package === version.package;
  const [reports, certified, approved] = await Promise.all([
    release.applicationTests(version.id),
    release.certifications(version.id),
    release.approvals(version.id),
  ]);
  const certifications =
    deployment === undefined
      ? newestOfEach(certified.filter(ofPackage), ({ certifiedBy }) => certifiedBy.identity)
      : certified.filter(({ id }) => id === deployment.certification);
  const approvals =
    deployment === undefined
      ? newestOfEach(approved.filter(ofPackage), ({ approvedBy, environment }) => `${environment}/${approvedBy.identity}`)
      : approved.filter(({ id }) => deployment.approvals.includes(id));
  const newest = newestOfEach(reports.filter(ofPackage), ({ environment }) => environment);
  const tests = newest.map((one) =>
    deployment === undefined
      ? one
      : (reports.find(({ id, environment }) => environment === one.environment && certifications.some(({ report }) => report === id)) ??
        one),
  );
  return { tests, certifications, approvals };
}

/** Records come the newest first. */
function newestOfEach<R>(records: readonly R[], of: (record: R) => string): readonly R[] {
  const seen = new Set<string>();
  return records.filter((record) => {
    const name = of(record);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

async function kept<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'DATA_LOSS')) return undefined;
    throw error;
  }
}
