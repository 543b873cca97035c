import type { Deployment, ModelVersion } from '#contract';
import { counted } from './links.ts';
import type { Links } from './links.ts';
import type { GovernanceDeps } from './port.ts';

/** A deployment with the manifest that the data plane loaded, and who let it through. */
export async function traceDeployment(deps: GovernanceDeps, links: Links, deployment: Deployment): Promise<void> {
  const { id, environment, endpoint, generation, state, reason, deployedBy, deployedAt, manifest } = deployment;
  const title = `generation ${generation} of "${endpoint}" in ${environment}, ${state.replace('_', ' ')}: ${reason}`;
  links.add({ kind: 'deployment', id, title, by: deployedBy, at: deployedAt });
  if (manifest === undefined) links.missing(`manifest: deployment ${id} never came to one`);
  else await traceManifest(deps, links, manifest, deployment);
}

async function traceManifest({ release }: GovernanceDeps, links: Links, digest: string, deployment: Deployment): Promise<void> {
  const verified = await links.verified(digest, 'manifest');
  const signed = verified ? await links.find('manifest', () => release.getManifest(digest)) : undefined;
  const served = signed?.manifest.models.some((model) => model.package === deployment.package);
  if (served === false) links.missing(`manifest: ${digest.slice(0, 12)} does not name the package of deployment ${deployment.id}`);
  const title =
    signed === undefined
      ? 'release manifest'
      : `release manifest with ${counted(signed.manifest.models.length, 'model')}, signed by key ${signed.keyId}`;
  links.add({ kind: 'manifest', id: digest, digest, title, ...(signed === undefined ? {} : { at: signed.manifest.createdAt }), verified });
}

/**
 * Application tests, certification and approvals: those that a deployment rests on, or all that a version has.
 */
export async function traceSignOff(deps: GovernanceDeps, links: Links, version: ModelVersion, deployment?: Deployment): Promise<void> {
  const { release } = deps;
  const named = `${version.model} version ${version.version}`;
  const certifications = await release.certifications(version.id);
  const approvals = await release.approvals(version.id);
  const restsOn = deployment?.certification;
  const certification =
    (restsOn === undefined ? undefined : certifications.find(({ id }) => id === restsOn)) ??
    certifications.find(({ verdict }) => verdict === 'certified') ??
    certifications.at(0);
  const tests = await release.applicationTests(version.id);
  const test = tests.find(({ id }) => id === certification?.report) ?? tests.at(0);
  if (test === undefined) links.missing(`application tests: ${named} has none`);
  else {
    const passed = test.checks.filter((check) => check.passed).length;
    const load =
      test.load === undefined ? '' : `; p99 ${test.load.p99Ms.toFixed(1)} ms at ${Math.round(test.load.ratePerSecond)} requests a second`;
    const title = `${passed} of ${counted(test.checks.length, 'check')} passed in ${test.environment}${load}`;
    links.add({ kind: 'application_test', id: test.id, digest: test.digest, title, by: test.startedBy, at: test.endedAt });
  }
  if (certification === undefined) links.missing(`certification: ${named} has none`);
  else {
    const { id, verdict, statement, certifiedBy, certifiedAt, reportDigest } = certification;
    if (test !== undefined && test.id === certification.report && test.digest !== reportDigest) {
      links.missing(`certification ${id}: the report that it certifies is another by now`);
    }
    links.add({ kind: 'certification', id, digest: reportDigest, title: `${verdict}: ${statement}`, by: certifiedBy, at: certifiedAt });
  }
  const given = approvals.filter(({ id, verdict }) =>
    deployment === undefined ? verdict === 'approved' : deployment.approvals.includes(id),
  );
  const shown = given.length > 0 ? given : approvals.slice(0, 1);
  if (shown.length === 0) links.missing(`approval: ${named} has none`);
  for (const { id, verdict, environment, statement, approvedBy, approvedAt, package: digest } of shown) {
    links.add({ kind: 'approval', id, digest, title: `${verdict} for ${environment}: ${statement}`, by: approvedBy, at: approvedAt });
  }
}

const mostActions = 200;

/** The pipeline run that made a version, and the action and alert that it was started by, where it was. */
export async function traceOrigin(deps: GovernanceDeps, links: Links, version: ModelVersion): Promise<void> {
  const id = version.tags['pipelineRun'];
  // Registered by hand, from a run that was logged from outside.
  if (id === undefined) return;
  const run = await links.find('pipeline run', () => deps.pipelines.get(id));
  if (run !== undefined) {
    const { pipeline, state, reason, createdBy, createdAt } = run;
    links.add({ kind: 'pipeline_run', id, title: `${pipeline}, ${state}: ${reason}`, by: createdBy, at: createdAt });
  }
  const action = (await deps.triggers.actions({ limit: mostActions })).find(({ pipelineRun }) => pipelineRun === id);
  if (action === undefined) return;
  const { kind, state, outcome, reason, startedAt } = action;
  links.add({ kind: 'action', id: action.id, title: `${kind}, ${state}: ${outcome ?? reason}`, at: startedAt });
  if (action.alert !== undefined) await traceAlert(deps, links, action.alert);
}

export async function traceAlert({ monitoring }: GovernanceDeps, links: Links, id: string): Promise<void> {
  const alert = await links.find('alert', () => monitoring.getAlert(id));
  if (alert !== undefined) links.add({ kind: 'alert', id, title: alert.cause, at: alert.raisedAt });
}
