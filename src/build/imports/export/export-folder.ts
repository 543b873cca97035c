import { createHash } from 'node:crypto';
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ImportedRecord } from '#contract';
import { isGyreError, messageOf } from '#core';
import type { KeyValue, SourceDataset, SourceExperiment, SourceLoggedModel, SourceModel, SourceRun, TrackingSource } from '../source.ts';
import type { Tally } from '../tally.ts';
import { exists, keyPath, metaText, putStream, putText, pythonFloat, wholeFolder } from './layout.ts';

const metaFile = 'meta.yaml';

/** Numbers of RunStatus and LoggedModelStatus in MLflow's service.proto. */
const runNumbers: Readonly<Record<SourceRun['status'], number>> = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 };
const modelNumbers: Readonly<Record<SourceLoggedModel['status'], number>> = { PENDING: 1, READY: 2, FAILED: 3 };

export interface Exporting {
  readonly source: TrackingSource;
  /** Absolute. */
  readonly folder: string;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

/**
 * Writes records as an `mlruns` folder, which MLflow's clients open by `file:`. A run, a logged model or a model that is there already is left:
 * an export that was cut short goes on.
 */
export async function exportFolder(exporting: Exporting): Promise<void> {
  const { source, tally, signal } = exporting;
  const folder = resolve(exporting.folder);
  await mkdir(folder, { recursive: true });
  for await (const experiment of source.experiments()) {
    signal.throwIfAborted();
    tally.read('experiments');
    const at = keyPath(experiment.deleted ? join(folder, '.trash') : folder, experiment.id);
    await writeExperiment(at, experiment);
    tally.imported('experiments');
    const runAt = (run: SourceRun): string => keyPath(at, run.id);
    for await (const model of source.loggedModels(experiment.id)) {
      signal.throwIfAborted();
      const place = keyPath(join(at, 'models'), model.id);
      await once(exporting, 'models', place, `logged model ${model.id}`, (under) => writeModel(exporting, experiment, model, under, place));
    }
    for await (const run of source.runs(experiment.id)) {
      signal.throwIfAborted();
      const place = runAt(run);
      await once(exporting, 'runs', place, `run ${run.id}`, (under) => writeRun(exporting, { at, experiment, run, under, place }));
    }
  }
  for await (const model of source.registeredModels()) {
    signal.throwIfAborted();
    const place = keyPath(join(folder, 'models'), model.name);
    await once(
      exporting,
      'versions',
      place,
      `model ${model.name}`,
      (under) => writeRegistered(exporting, model, under),
      model.versions.length,
    );
  }
}

/** Writes a record's folder unless it is there; one that cannot be written is counted, and the next one follows. */
async function once(
  { tally, signal }: Exporting,
  what: ImportedRecord,
  place: string,
  name: string,
  fill: (under: string) => Promise<void>,
  count = 1,
): Promise<void> {
  tally.read(what, count);
  if (await exists(place)) {
    tally.present(what, count);
    return;
  }
  try {
    await wholeFolder(place, fill);
    tally.imported(what, count);
  } catch (error) {
    if (signal.aborted || (isGyreError(error) && error.code === 'UNAVAILABLE')) throw error;
    tally.refused(what, { what: name, why: messageOf(error) }, count);
  }
}

async function writeExperiment(at: string, { id, name, deleted, tags, createdAt = 0 }: SourceExperiment): Promise<void> {
  const meta = {
    artifact_location: pathToFileURL(at).href,
    creation_time: createdAt,
    experiment_id: id,
    last_update_time: createdAt,
    lifecycle_stage: deleted ? 'deleted' : 'active',
    name,
  };
  await putText(join(at, metaFile), metaText(meta));
  await writePairs(join(at, 'tags'), tags);
}

interface OneRun {
  /** The experiment's folder. */
  readonly at: string;
  readonly experiment: SourceExperiment;
  readonly run: SourceRun;
  /** The folder that is filled. */
  readonly under: string;
  /** What it will be called. */
  readonly place: string;
}

async function writeRun(exporting: Exporting, { at, experiment, run, under, place }: OneRun): Promise<void> {
  const meta = {
    artifact_uri: pathToFileURL(join(place, 'artifacts')).href,
    end_time: run.endedAt ?? null,
    entry_point_name: '',
    experiment_id: experiment.id,
    lifecycle_stage: run.deleted ? 'deleted' : 'active',
    run_id: run.id,
    run_name: run.name,
    source_name: '',
    source_type: 4,
    source_version: '',
    start_time: run.startedAt ?? 0,
    status: runNumbers[run.status],
    user_id: run.user ?? '',
    // A run that was deleted says when; nothing here knows.
    ...(run.deleted ? { deleted_time: run.endedAt ?? run.startedAt ?? 0 } : {}),
  };
  await putText(join(under, metaFile), metaText(meta));
  for (const name of ['metrics', 'params', 'tags', 'artifacts']) await mkdir(join(under, name), { recursive: true });
  await writePairs(join(under, 'params'), run.parameters);
  await writePairs(join(under, 'tags'), [
    ...run.tags.filter(({ key }) => key !== 'mlflow.runName'),
    { key: 'mlflow.runName', value: run.name },
  ]);
  exporting.tally.read('points', 0);
  for await (const points of exporting.source.points(experiment.id, run.id)) {
    const lines = new Map<string, string[]>();
    for (const { key, value, step, timestamp } of points) {
      const of = lines.get(key) ?? [];
      of.push(`${timestamp} ${pythonFloat(value)} ${step}\n`);
      lines.set(key, of);
    }
    for (const [key, of] of lines) {
      const path = keyPath(join(under, 'metrics'), key);
      await mkdir(dirname(path), { recursive: true });
      await appendFile(path, of.join(''));
    }
    exporting.tally.read('points', points.length);
    exporting.tally.imported('points', points.length);
  }
  for (const dataset of run.datasets) await writeDataset(at, under, run.id, dataset);
  for (const { model, role, step } of run.models) {
    const link =
      role === 'output'
        ? { source_type: 'RUN_OUTPUT', source_id: model, destination_type: 'MODEL_OUTPUT', destination_id: model, step, tags: {} }
        : { source_type: 'MODEL', source_id: model, destination_type: 'RUN', destination_id: run.id, step, tags: {} };
    await putText(join(keyPath(join(under, role === 'output' ? 'outputs' : 'inputs'), model), metaFile), metaText(link));
  }
  await writeFiles(exporting, { experiment: experiment.id, run: run.id, artifacts: run.artifacts ?? '' }, join(under, 'artifacts'));
}

async function writeDataset(at: string, under: string, run: string, { tags, ...dataset }: SourceDataset): Promise<void> {
  const id = createHash('md5').update(`${dataset.name}${dataset.digest}`).digest('hex');
  const meta = {
    digest: dataset.digest,
    name: dataset.name,
    profile: dataset.profile ?? null,
    schema: dataset.schema ?? null,
    source: dataset.source,
    source_type: dataset.sourceType,
  };
  await putText(join(at, 'datasets', id, metaFile), metaText(meta));
  const use = createHash('md5').update(`${id}${run}`).digest('hex');
  const input = {
    source_type: 'DATASET',
    source_id: id,
    destination_type: 'RUN',
    destination_id: run,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
  };
  await putText(join(under, 'inputs', use, metaFile), metaText(input));
}

async function writeModel(
  exporting: Exporting,
  experiment: SourceExperiment,
  model: SourceLoggedModel,
  under: string,
  place: string,
): Promise<void> {
  const createdAt = model.createdAt ?? 0;
  const meta = {
    artifact_location: pathToFileURL(join(place, 'artifacts')).href,
    creation_timestamp: createdAt,
    experiment_id: experiment.id,
    last_updated_timestamp: createdAt,
    model_id: model.id,
    model_type: model.type ?? null,
    name: model.name,
    source_run_id: model.run ?? null,
    status: modelNumbers[model.status],
    status_message: null,
    ...(model.deleted ? { lifecycle_stage: 'deleted' } : {}),
  };
  await putText(join(under, metaFile), metaText(meta));
  for (const name of ['metrics', 'params', 'tags', 'artifacts']) await mkdir(join(under, name), { recursive: true });
  await writePairs(join(under, 'params'), model.parameters);
  await writePairs(join(under, 'tags'), model.tags);
  for (const { key, value, step, timestamp, run, dataset } of model.metrics) {
    const path = keyPath(join(under, 'metrics'), key);
    await mkdir(dirname(path), { recursive: true });
    const on = dataset?.digest === undefined ? '' : ` ${dataset.name} ${dataset.digest}`;
    await appendFile(path, `${timestamp} ${pythonFloat(value)} ${step} ${run}${on}\n`);
  }
  await writeFiles(exporting, { experiment: experiment.id, model: model.id, artifacts: model.artifacts ?? '' }, join(under, 'artifacts'));
}

async function writeRegistered(exporting: Exporting, model: SourceModel, under: string): Promise<void> {
  const times = { creation_timestamp: 0, last_updated_timestamp: 0 };
  await putText(join(under, metaFile), metaText({ name: model.name, description: model.description ?? null, ...times }));
  await writePairs(join(under, 'tags'), model.tags);
  await writePairs(
    join(under, 'aliases'),
    model.aliases.map(({ alias, version }) => ({ key: alias, value: String(version) })),
  );
  exporting.tally.read('aliases', model.aliases.length);
  exporting.tally.imported('aliases', model.aliases.length);
  for (const version of model.versions) {
    const at = join(under, `version-${version.version}`);
    const meta = {
      ...times,
      name: model.name,
      version: version.version,
      current_stage: version.deleted ? 'Deleted_Internal' : version.stage,
      description: version.description ?? null,
      source: version.source,
      storage_location: version.source,
      run_id: version.run ?? null,
      run_link: version.runLink ?? null,
      model_id: version.loggedModel ?? null,
      status: 'READY',
      status_message: null,
      user_id: null,
    };
    await putText(join(at, metaFile), metaText(meta));
    await writePairs(join(at, 'tags'), version.tags);
  }
}

async function writeFiles({ source, tally, signal }: Exporting, place: Parameters<TrackingSource['files']>[0], to: string): Promise<void> {
  for await (const file of source.files(place)) {
    signal.throwIfAborted();
    tally.read('artifacts');
    await putStream(keyPath(to, file.path), file.open());
    tally.imported('artifacts');
  }
}

async function writePairs(folder: string, pairs: readonly KeyValue[]): Promise<void> {
  for (const { key, value } of pairs) await putText(keyPath(folder, key), value);
}
