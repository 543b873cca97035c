import { join } from 'node:path';
import type { Actor, CodeVersion, Environment, TrainedVersion } from '#contract';
import { isoInstant, sha256 } from '#core';
import { predictionsOf } from './testing-predictions.ts';
import { type Bench, dayMs, start } from './testing.ts';

const code: CodeVersion = { commit: 'c0ffee', dirty: false };
const environment: Environment = { gyre: '0.1.0', node: '26.10.0', platform: 'linux-x64', lock: sha256('package-lock.json') };

/** What stands on record once a model was trained on the churn table, deployed for tests, asked and judged. */
export interface Records {
  readonly version: TrainedVersion;
  readonly whole: string;
  readonly split: string;
  readonly quality: string;
  readonly transform: string;
  readonly study: string;
  readonly report: string;
  readonly charter: string;
  readonly deployment: string;
  readonly manifest: string;
  readonly prediction: string;
  readonly window: string;
  /** The labels are wrong on purpose: accuracy is below its threshold. */
  readonly alert: string;
  readonly pipelineRun: string;
  readonly action: string;
}

/** Turns the first half of the loop over the rooms' own doors, so that the routes have something to show. */
export async function turnTheLoop({ deps, clock }: Bench): Promise<Records> {
  const { data, features, training, evaluation, registry, release, monitoring, charters, project, loop, pipelines, triggers, access } =
    deps;
  const { resolved, folder, schemas } = project.current();
  const by: Actor = { identity: (await access.getIdentity('the-ml-engineer')).id, name: 'the-ml-engineer' };
  const [dataset] = resolved.datasets;
  const { version: whole } = await data.ingest({
    dataset: dataset.name,
    path: join(folder, dataset.source),
    key: dataset.key,
    expect: schemas[dataset.name],
    by,
  });
  const quality = await data.quality(whole.digest, { schema: schemas[dataset.name], key: dataset.key, target: 'Churn', by });
  const split = await data.split(whole.digest, {
    dataset: dataset.name,
    ...(dataset.key === undefined ? {} : { key: dataset.key }),
    ...dataset.split,
    by,
  });
  const part = (name: string): string => split.parts.find((known) => known.part === name)?.version ?? '';
  const spec = resolved.steps.find((step) => step.kind === 'transform')?.spec;
  if (spec === undefined) throw new Error('the example has no transform step');
  const train = [{ version: part('train'), weight: 1 }];
  const transform = await features.fit({ name: 'prepare', spec, train, key: dataset.key, by });
  const { study, best } = await training.trainStudy({
    name: 'logistic',
    trainer: 'logistic',
    params: { l2: 1 },
    seed: 7,
    transform: transform.digest,
    validation: part('validation'),
    code,
    environment,
    by,
  });
  const charter = await charters.record(resolved.project, project.current().project.charter, by);
  const report = await evaluation.judge({ model: best.id, test: part('test'), charter, repeats: 0, resamples: 100, by });
  const version = await registry.createVersion({ model: resolved.serve.endpoint, run: best.id, report: report.id, charter, by });
  await registry.setAlias({ model: version.model, alias: 'candidate', version: version.version, by });
  const [first] = resolved.environments;
  const deployment = await release.roll({ environment: first.name, modelVersion: version.id, reason: 'application tests', by });
  const predictions = await predictionsOf(deps, version, { part: part('reference'), environment: first.name, startMs: start });
  await monitoring.ingestSegment({ environment: first.name, segment: 'one', predictions });
  clock.set(start + 2 * dayMs);
  await monitoring.joinLabels(
    predictions.map(({ id, inputs }) => ({ prediction: id, value: String(inputs['Contract']) === 'Two year' ? 'No' : 'Yes' })),
    by,
  );
  const [window] = await monitoring.evaluate({ until: isoInstant(clock.now()) });
  const [alert] = await monitoring.alerts();
  const run = await loop.build({ by, reason: 'first turn' });
  await pipelines.wait(run.id);
  const action = await triggers.retrain({ reason: 'to see', by });
  await pipelines.wait(action.pipelineRun ?? '');
  await triggers.caughtUp();
  await deps.governance.caughtUp();
  return {
    version,
    whole: whole.digest,
    split: split.id,
    quality: quality.id,
    transform: transform.id,
    study: study.id,
    report: report.id,
    charter: charter.digest,
    deployment: deployment.id,
    manifest: deployment.manifest ?? '',
    prediction: predictions[0].id,
    window: window.id,
    alert: alert.id,
    pipelineRun: run.id,
    action: action.id,
  };
}
