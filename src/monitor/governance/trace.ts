import type { Deployment, ModelVersion, Trace } from '#contract';
import { GyreError, hasCode } from '#core';
import { Links } from './links.ts';
import type { GovernanceDeps, TraceStart } from './port.ts';
import { traceDataset, traceRun, traceVersion } from './trace-build.ts';
import { traceAlert, traceDeployment, traceOrigin, traceSignOff } from './trace-deploy.ts';
import { findVersion } from './versions.ts';

/** See `Governance.trace`. */
export async function trace(deps: GovernanceDeps, kind: TraceStart, id: string): Promise<Trace> {
  const links = new Links(deps.blobs);
  switch (kind) {
    case 'prediction':
      await fromPrediction(deps, links, id);
      break;
    case 'model_version':
      await wholeVersion(deps, links, await findVersion(deps.registry, id));
      break;
    case 'run': {
      const run = await deps.training.getRun(id);
      await traceRun(deps, links, run);
      for (const version of await deps.registry.byRun(run.id)) await wholeVersion(deps, links, version);
      break;
    }
    case 'dataset_version': {
      const { digest } = await deps.data.get(id);
      await traceDataset(deps, links, digest, 'data');
      break;
    }
    case 'deployment': {
      const deployment = (await deps.release.deployments({ limit: mostDeployments })).find((one) => one.id === id);
      if (deployment === undefined) throw new GyreError('NOT_FOUND', `no deployment "${id}"`, { id });
      await fromDeployment(deps, links, deployment);
      break;
    }
    case 'alert':
      await fromAlert(deps, links, id);
  }
  return links.done(kind, id);
}

const mostDeployments = 10_000;
const predictionId = /^(\d{1,15})-([0-9a-f]{8})-([0-9a-z-]+)$/i;

async function fromPrediction(deps: GovernanceDeps, links: Links, id: string): Promise<void> {
  const match = predictionId.exec(id);
  if (match === null) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${id}" is no prediction id: <generation>-<8 hex digits>-<UUID> is right, as an answer carries it`,
      { id },
    );
  }
  const [, number, prefix] = match;
  const generation = Number(number);
  const environment = await addPrediction(deps, links, id, generation, prefix);
  const deployments = await deps.release.deployments({ limit: mostDeployments });
  const matching = deployments.filter((one) => one.generation === generation && servedBy(one, prefix) !== undefined);
  const deployment = matching.find((one) => one.environment === environment) ?? matching.at(0);
  if (deployment !== undefined) {
    if (environment === undefined && matching.length > 1) {
      links.missing(`deployment: the id fits ${matching.map((one) => one.environment).join(' and ')}, and the log does not say which`);
    }
    await fromDeployment(deps, links, deployment, servedBy(deployment, prefix));
    return;
  }
  links.missing(`deployment: none of generation ${generation} served a package ${prefix}…`);
  const version = (await deps.registry.byPackagePrefix(prefix)).at(0);
  if (version !== undefined) await wholeVersion(deps, links, version);
  else if (environment === undefined)
    throw new GyreError('NOT_FOUND', `nothing is known of prediction ${id}: no log, no deployment, no package ${prefix}…`, { id });
  else links.missing(`model version: none has a package ${prefix}…`);
}

/** @returns the environment, where the prediction was logged */
async function addPrediction(
  deps: GovernanceDeps,
  links: Links,
  id: string,
  generation: number,
  prefix: string,
): Promise<string | undefined> {
  try {
    const { prediction, predicted, score, label } = await deps.monitoring.getPrediction(id);
    const said = [predicted === undefined ? '' : `"${predicted}"`, score === undefined ? '' : `score ${score.toFixed(3)}`]
      .filter(Boolean)
      .join(', ');
    const about = prediction?.key === undefined ? '' : ` for ${prediction.key}`;
    links.add({
      kind: 'prediction',
      id,
      title: `${said === '' ? 'prediction' : said}${about}`,
      ...(prediction === undefined ? {} : { at: prediction.servedAt }),
    });
    if (label !== undefined) links.add({ kind: 'label', id, title: `in fact "${String(label.value)}"`, at: label.receivedAt });
    return prediction?.environment;
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    links.add({ kind: 'prediction', id, title: `not in the log; its id names generation ${generation} and a package ${prefix}…` });
    links.missing(`prediction: ${id} was not logged`);
    return undefined;
  }
}

/** The version whose package begins so, of all that answered by a deployment. */
function servedBy({ modelVersion, package: own, traffic }: Deployment, prefix: string): string | undefined {
  const all = [{ modelVersion, package: own }, ...(traffic?.beside ?? [])];
  return all.find((one) => one.package.startsWith(prefix))?.modelVersion;
}

/** @param answered the version that answered; default: the one that is live by it */
async function fromDeployment(
  deps: GovernanceDeps,
  links: Links,
  deployment: Deployment,
  answered = deployment.modelVersion,
): Promise<void> {
  await traceDeployment(deps, links, deployment);
  const version = await links.find('model version', () => deps.registry.getById(answered));
  if (version === undefined) return;
  await traceVersion(deps, links, version);
  // A version on its way rests on its own sign-offs, not on those of the one beside it.
  await traceSignOff(deps, links, version, answered === deployment.modelVersion ? deployment : undefined);
  await traceOrigin(deps, links, version);
}

/** A version from its data to where it serves. */
async function wholeVersion(deps: GovernanceDeps, links: Links, version: ModelVersion): Promise<void> {
  await traceVersion(deps, links, version);
  await traceSignOff(deps, links, version);
  await traceOrigin(deps, links, version);
  for (const deployment of await deps.release.deployments({ modelVersion: version.id })) await traceDeployment(deps, links, deployment);
}

/** An alert: the version that it is about, and what was done. */
async function fromAlert(deps: GovernanceDeps, links: Links, id: string): Promise<void> {
  const alert = await deps.monitoring.getAlert(id);
  await traceAlert(deps, links, id);
  for (const action of await deps.triggers.actions({ alert: id })) {
    const { pipelineRun } = action;
    links.add({
      kind: 'action',
      id: action.id,
      title: `${action.kind}, ${action.state}: ${action.outcome ?? action.reason}`,
      at: action.startedAt,
    });
    const run = pipelineRun === undefined ? undefined : await links.find('pipeline run', () => deps.pipelines.get(pipelineRun));
    if (run === undefined) continue;
    links.add({
      kind: 'pipeline_run',
      id: run.id,
      title: `${run.pipeline}, ${run.state}: ${run.reason}`,
      by: run.createdBy,
      at: run.createdAt,
    });
  }
  const version = await links.find('model version', () => deps.registry.getById(alert.modelVersion));
  if (version !== undefined) await wholeVersion(deps, links, version);
}
