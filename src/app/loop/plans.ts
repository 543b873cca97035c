import { join } from 'node:path';
import { GyreError, sha256 } from '#core';
import { projectQuality, standingOfFiles, standingOfFolder, standingOfImages } from '#data';
import type { JsonValue, StepPlan } from '#pipelines';
import { mayMeet } from '#project';
import type { LoadedProject, ResolvedCommandStep, ResolvedDataset, ResolvedStep, ResolvedTrainStep } from '#project';
import { datasetOf } from './data-steps.ts';
import { digestsOfDeps, fileDigest } from './dep-digests.ts';

type Inputs = StepPlan['inputs'];

/** The parts of a split that the loop itself reads by name. */
const needed = ['train', 'validation', 'test'] as const;

/**
 * The graph of `gyre run`: sources to dataset versions, parts, transform, studies, test report, registered version.
 * @throws GyreError FAILED_PRECONDITION when a part that it needs is not in the split; NOT_FOUND when a source is missing
 */
export async function buildPlan(project: LoadedProject): Promise<readonly StepPlan[]> {
  const plans: StepPlan[] = [];
  const used = usedDatasets(project);
  for (const dataset of withJoined(project, used)) {
    const isUsed = used.includes(dataset);
    if (isUsed) requireParts(dataset);
    const steps = await datasetPlans(project, dataset);
    // What is only joined into others is not split.
    plans.push(...(isUsed ? steps : steps.filter(({ kind }) => kind !== 'data.split')));
  }
  const trainers: ResolvedTrainStep[] = [];
  for (const step of project.resolved.steps) {
    if (step.kind === 'transform') plans.push(transformPlan(project, step, {}, await backboneDigest(project, step)));
    if (step.kind === 'train') {
      trainers.push(step);
      plans.push(studyPlan(step, { validation: part(step.dataset, 'validation') }, {}));
    }
    if (step.kind === 'command') plans.push(await commandPlan(project, step));
  }
  if (trainers.length > 0) plans.push(...modelPlans(project, trainers, {}));
  return plans;
}

/**
 * The graph of an ingestion by the clock: the dataset's version, checked, with those that it is joined from.
 * @throws GyreError NOT_FOUND when there is no such dataset, or a source is missing
 */
export async function ingestPlan(project: LoadedProject, name: string): Promise<readonly StepPlan[]> {
  const plans: StepPlan[] = [];
  for (const dataset of withJoined(project, [datasetOf(project, name)])) plans.push(...(await datasetPlans(project, dataset)));
  return plans.filter(({ kind }) => kind !== 'data.split');
}

/**
 * The graph of a retraining: labelled production rows join the training data, the challenger is judged on new rows that
 * neither it nor the champion trained on.
 * @param retraining the environment whose rows are collected, and the first and last instant (ISO 8601) of what is collected
 */
export function retrainPlan(
  project: LoadedProject,
  retraining: { readonly since: string; readonly until: string; readonly environment: string },
): readonly StepPlan[] {
  const [transform] = project.resolved.steps.filter((step) => step.kind === 'transform');
  const trainers = project.resolved.steps.filter((step) => step.kind === 'train');
  if (transform === undefined || trainers.length === 0) {
    throw new GyreError('FAILED_PRECONDITION', 'the project has no transform and trainer steps to train again by');
  }
  if (transform.spec.transform.image !== undefined)
    throw new GyreError(
      'FAILED_PRECONDITION',
      'the prediction log has digests of pictures, not the pictures: put those that were labelled into the dataset’s folder, and run again',
    );
  const dataset = datasetOf(project, transform.dataset);
  const collect: StepPlan = {
    name: 'collect',
    kind: 'monitoring.collect',
    after: [],
    parameters: { dataset: dataset.name, ...retraining, testShare: project.resolved.retrain.testShare },
    inputs: {},
  };
  const locate: StepPlan = {
    name: `split:${dataset.name}`,
    kind: 'data.parts',
    after: [],
    parameters: { dataset: dataset.name },
    inputs: {},
  };
  const weight = { recentWeight: project.resolved.retrain.recentWeight };
  const recent: Inputs = { recent: { step: 'collect', output: 'part.recent-train' } };
  return [
    collect,
    locate,
    transformPlan(project, transform, recent, weight),
    ...trainers.map((step) => studyPlan(step, { ...recent, validation: { step: 'collect', output: 'part.recent-validation' } }, weight)),
    ...modelPlans(project, trainers, { recent: 'collect' }),
  ];
}

function usedDatasets(project: LoadedProject): readonly ResolvedDataset[] {
  const used = new Set(project.resolved.steps.flatMap((step) => (step.kind === 'command' ? [] : [step.dataset])));
  return used.size === 0 ? project.resolved.datasets : [...used].map((name) => datasetOf(project, name));
}

/** The datasets with those that they are joined from, each after those. */
function withJoined(project: LoadedProject, datasets: readonly ResolvedDataset[]): readonly ResolvedDataset[] {
  const all: ResolvedDataset[] = [];
  const add = (dataset: ResolvedDataset): void => {
    if (all.includes(dataset)) return;
    for (const other of joinedFrom(dataset)) add(datasetOf(project, other));
    all.push(dataset);
  };
  datasets.forEach(add);
  return all;
}

function joinedFrom({ join: from }: ResolvedDataset): readonly string[] {
  return from === undefined ? [] : [...new Set([from.base, ...from.sides.map(({ dataset }) => dataset)])];
}

function requireParts(dataset: ResolvedDataset): void {
  const missing = needed.filter((name) => !(name in dataset.split.parts));
  if (missing.length === 0) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `data.${dataset.name}.split.parts lacks ${missing.join(', ')}: training needs train, validation and test`,
  );
}

async function datasetPlans(project: LoadedProject, dataset: ResolvedDataset): Promise<readonly StepPlan[]> {
  const { name } = dataset;
  const version = { version: { step: `ingest:${name}`, output: 'version' } };
  const description = { dataset: name, spec: plain(dataset), schema: plain(project.schemas[name] ?? null) };
  // what the charter says of a column shows in the report
  const { masked = [] } = projectQuality(project, name);
  return [
    await versionPlan(project, dataset, description),
    { name: `quality:${name}`, kind: 'data.quality', after: [], parameters: { ...description, personal: plain(masked) }, inputs: version },
    {
      name: `split:${name}`,
      kind: 'data.split',
      after: [],
      parameters: description,
      // the rows that go on, which are not all where some are set aside
      inputs: { version: { step: `quality:${name}`, output: 'version' } },
    },
  ];
}

/** What a step's cache key knows of the source: a file's bytes; of images and folders how each file stands, because reading them all is the step itself. */
async function sourceDigest({ folder }: LoadedProject, { source, from, images, isFiles }: ResolvedDataset): Promise<string> {
  if (isFiles === true) return standingOfFolder(join(folder, source));
  if (from?.kind === 'files') return standingOfFiles(folder, from.pattern);
  // whether these have anything new is known when they are asked: the step asks each time
  if (from !== undefined && !('path' in from)) return from.kind;
  if (from?.kind === 'sqlite' || from?.kind === 'excel') return fileDigest(join(folder, from.path), from.path);
  if (images === undefined) return fileDigest(join(folder, source), source);
  const labels = images.labels === undefined ? '' : await fileDigest(join(folder, images.labels.file), images.labels.file);
  return sha256(`${await standingOfImages(join(folder, source))}\n${labels}`);
}

/** The step that makes a dataset's version: reads its source, or joins others as far as their rows go on. */
async function versionPlan(project: LoadedProject, dataset: ResolvedDataset, description: StepPlan['parameters']): Promise<StepPlan> {
  const name = `ingest:${dataset.name}`;
  if (dataset.join !== undefined) {
    const inputs = joinedFrom(dataset).map((other) => [other, { step: `quality:${other}`, output: 'version' }] as const);
    return { name, kind: 'data.join', after: [], parameters: description, inputs: Object.fromEntries(inputs) };
  }
  const source = await sourceDigest(project, dataset);
  return { name, kind: 'data.ingest', after: [], parameters: { ...description, source }, inputs: {} };
}

function part(dataset: string, name: string): { readonly step: string; readonly output: string } {
  return { step: `split:${dataset}`, output: `part.${name}` };
}

function transformPlan(
  project: LoadedProject,
  step: Extract<ResolvedStep, { kind: 'transform' }>,
  inputs: Inputs,
  parameters: Readonly<Record<string, number | string>>,
): StepPlan {
  return {
    name: step.name,
    kind: 'features.fit',
    after: step.after,
    parameters: { step: step.name, spec: plain(step.spec), schema: plain(project.schemas[step.dataset] ?? null), ...parameters },
    inputs: { train: part(step.dataset, 'train'), ...inputs },
  };
}

/** What the cache key of a transform of pictures knows of its network: another file under the same name is another one. */
async function backboneDigest(
  { folder }: LoadedProject,
  { spec }: Extract<ResolvedStep, { kind: 'transform' }>,
): Promise<Record<string, string>> {
  const { image } = spec.transform;
  return image === undefined ? {} : { backbone: await fileDigest(join(folder, image.backbone), image.backbone) };
}

function studyPlan(step: ResolvedTrainStep, inputs: Inputs, parameters: Readonly<Record<string, number>>): StepPlan {
  return {
    name: step.name,
    kind: 'training.study',
    after: step.after,
    parameters: { step: step.name, spec: plain(step.spec), ...parameters },
    inputs: { transform: { step: step.transform, output: 'transform' }, train: part(step.dataset, 'train'), ...inputs },
    seed: step.spec.seed,
  };
}

function modelPlans(
  project: LoadedProject,
  trainers: readonly ResolvedTrainStep[],
  from: { readonly recent?: string },
): readonly StepPlan[] {
  const { dataset } = trainers[0];
  const { sets } = datasetOf(project, dataset).split;
  const judged: Inputs =
    from.recent === undefined
      ? { test: part(dataset, 'test'), validation: part(dataset, 'validation') }
      : {
          test: { step: from.recent, output: 'part.recent-test' },
          validation: { step: from.recent, output: 'part.recent-validation' },
          earlier: part(dataset, 'test'),
        };
  return [
    {
      name: 'choose',
      kind: 'training.choose',
      after: [],
      parameters: { steps: trainers.map(({ name }) => name).join(',') },
      inputs: Object.fromEntries(
        trainers.flatMap(({ name }) => ['run', 'metric', 'value'].map((output) => [`${name}.${output}`, { step: name, output }])),
      ),
    },
    {
      name: 'evaluate',
      kind: 'evaluation.judge',
      after: [],
      parameters: { test: plain(project.project.test ?? {}), charter: plain(project.project.charter) },
      inputs: {
        run: { step: 'choose', output: 'run' },
        ...judged,
        ...(sets.length === 0 ? {} : { split: { step: `split:${dataset}`, output: 'split' } }),
      },
    },
    {
      name: 'register',
      kind: 'registry.register',
      after: [],
      parameters: { model: project.resolved.serve.endpoint, outliers: plain(project.resolved.serve.outliers) },
      inputs: { run: { step: 'choose', output: 'run' }, report: { step: 'evaluate', output: 'report' } },
    },
  ];
}

async function commandPlan(project: LoadedProject, step: ResolvedCommandStep): Promise<StepPlan> {
  const { name, after, spec } = step;
  const parameters = { step: name, spec: plain(spec) };
  // What the items of this step are shows when it runs.
  if (spec.per_file !== undefined || spec.group !== undefined) return { name, kind: 'command.items', after, parameters, inputs: {} };
  const commands = project.resolved.steps.filter((other) => other.kind === 'command');
  const writers = commands.filter((other) => step.writers.includes(other.name));
  // A file that an earlier step writes counts as that step leaves it, not as it lies there now.
  const isWritten = (path: string): boolean => writers.some((writer) => (writer.spec.outs ?? []).some((out) => mayMeet(out, path)));
  const deps = await digestsOfDeps(
    project.folder,
    (spec.deps ?? []).filter((path) => !isWritten(path)),
  );
  const inputs = Object.fromEntries(writers.map((writer) => [writer.name, { step: writer.name, output: 'outs' }]));
  return { name, kind: 'command', after, parameters: { ...parameters, deps }, inputs };
}

/** A value as the JSON that a step's parameters hold. */
function plain(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}
