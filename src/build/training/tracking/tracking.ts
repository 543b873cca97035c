import { eventType } from '#contract';
import { GyreError } from '#core';
import type { Db, Tx } from '#store';
import { experimentRow, experimentRowNamed, insertExperiment } from '../experiments-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { byKey, lastMetrics } from '../metrics-store.ts';
import { insertTaggedRun, placeOf } from '../runs-store.ts';
import type { RunPlace } from '../runs-store.ts';
import type { ExperimentRow, RunRow } from '../tables.ts';
import type { TrainingDeps } from '../port.ts';
import { datasetUses, insertDatasets } from './datasets-store.ts';
import {
  assembleExperiments,
  changeExperiment,
  experimentNumbers,
  experimentsAmong,
  insertExperimentTags,
  markRunsOf,
  putExperimentTags,
} from './experiments-store.ts';
import { openHistories } from './histories.ts';
import { openLogWriter } from './log-writer.ts';
import type { CreateTrackedRun, DatasetInput, KeyValue, TrackedExperiment, TrackedRun, Tracking } from './port.ts';
import { changeRun, experimentsOfRuns, markRun, removeTag, trackedInfos, trackedRuns } from './runs-store.ts';
import { selectTrackedExperiments } from './search-experiments-store.ts';
import { outlookOf, searchRuns } from './search-runs-store.ts';
import { openRunTable } from './table.ts';
import { deletedRun, runNameTag, unknownExperiment, unknownRun } from './words.ts';

const defaultExperiment = '0';
const mostDatasetUses = 1000;

/** Experiments and runs as clients outside Gyre log and search them, over a migrated store. */
export function openTracking(deps: Pick<TrainingDeps, 'store' | 'events' | 'clock' | 'newId' | 'grants'>, names: MetricNames): Tracking {
  const { store, events, clock, newId, grants } = deps;
  const writer = openLogWriter(store, names);

  return {
    ...openHistories(store, names),
    ...openRunTable(store, names),
    createExperiment: ({ name, id, artifactLocation, tags = [], by }) =>
      store.write(async (tx) => {
        await tx.lock('experiments');
        await requireNewName(tx, name);
        if (id !== undefined && (await experimentRow(tx, id)) !== undefined) throw takenExperiment('id', id);
        const row = await insertExperiment(tx, {
          name,
          at: clock.now(),
          ...(id === undefined ? {} : { publicId: id }),
          ...(artifactLocation === undefined ? {} : { artifactLocation }),
        });
        await insertExperimentTags(tx, row.id, tags);
        await grants?.own(tx, { kind: 'experiment', record: row.public_id }, by);
        events.publish(tx, {
          type: eventType('experiment.created'),
          subject: row.public_id,
          actor: by.identity,
          data: { id: row.public_id, name },
        });
        return assembled(tx, row);
      }, undefined),
    getExperiment: (id) => store.read(async (db) => assembled(db, await requireExperiment(db, id))),
    experimentNamed: (name) =>
      store.read(async (db) => {
        const row = await experimentRowNamed(db, name);
        return row && assembled(db, row);
      }),
    renameExperiment: ({ id, name, by }) =>
      store.write(async (tx) => {
        const row = await requireActive(tx, id);
        if (row.name === name) return;
        await tx.lock('experiments');
        await requireNewName(tx, name);
        await changeExperiment(tx, row.id, { name, updated_at: clock.now() });
        events.publish(tx, {
          type: eventType('experiment.renamed'),
          subject: id,
          actor: by.identity,
          data: { id, name, previous: row.name },
        });
      }, undefined),
    deleteExperiment: ({ id, by }) =>
      store.write(async (tx) => {
        const row = await requireExperiment(tx, id);
        if (id === defaultExperiment)
          throw new GyreError('FAILED_PRECONDITION', `Cannot delete the default experiment '${row.name}'`, { experiment: id });
        if (row.deleted_at !== null) throw notActive(row);
        const at = clock.now();
        await changeExperiment(tx, row.id, { deleted_at: at, updated_at: at });
        await markRunsOf(tx, row.id, at);
        events.publish(tx, { type: eventType('experiment.deleted'), subject: id, actor: by.identity, data: { id, name: row.name } });
      }, undefined),
    restoreExperiment: ({ id, by }) =>
      store.write(async (tx) => {
        const row = await requireExperiment(tx, id);
        if (row.deleted_at === null)
          throw new GyreError('FAILED_PRECONDITION', `The experiment ${id} must be in the 'deleted' state. Current state is active.`, {
            experiment: id,
          });
        await changeExperiment(tx, row.id, { deleted_at: null, updated_at: clock.now() });
        await markRunsOf(tx, row.id, null);
        events.publish(tx, { type: eventType('experiment.restored'), subject: id, actor: by.identity, data: { id, name: row.name } });
      }, undefined),
    tagExperiment: (id, tags) =>
      store.write(async (tx) => {
        const row = await requireActive(tx, id);
        await putExperimentTags(tx, row.id, tags);
        await changeExperiment(tx, row.id, { updated_at: clock.now() });
      }, undefined),
    searchExperiments: (query) =>
      store.read(async (db) => {
        const { rows, next } = await selectTrackedExperiments(db, query);
        return { items: await assembleExperiments(db, rows), ...(next === undefined ? {} : { next }) };
      }),

    createRun: (request) =>
      store.write(
        async (tx, args: CreateRunArgs) => {
          const { run, experiment } = await createRun(tx, args);
          const data = { id: run.id, experiment };
          events.publish(tx, { type: eventType('run.started'), subject: run.id, actor: args.request.by.identity, data });
          return run;
        },
        { request, id: request.id ?? newId(), at: clock.now() },
      ),
    getRun: (id) => store.read(async (db) => oneRun(db, names, (await requireRun(db, id)).position, id)),
    experimentOfRun: (id) => store.read(async (db) => (await experimentsOfRuns(db, [id])).get(id)),
    experimentsOfRuns: (ids) => store.read((db) => experimentsOfRuns(db, ids)),
    updateRun: ({ id, status, endedAt, name, by }) =>
      store.write(async (tx) => {
        const place = await requireActiveRun(tx, id);
        const hasEnded = status !== undefined && status !== 'RUNNING' && status !== 'SCHEDULED';
        const end = endedAt ?? (hasEnded && place.status !== status ? clock.now() : undefined);
        await changeRun(tx, place.position, {
          ...(status === undefined ? {} : { status }),
          ...(end === undefined ? {} : { ended_at: end }),
          ...(name === undefined || name === '' ? {} : { name }),
        });
        if (hasEnded && place.status !== status) {
          const data = { id, status, metrics: await finiteMetrics(tx, names, place.position) };
          events.publish(tx, { type: eventType('run.finished'), subject: id, actor: by.identity, data });
        }
        const info = (await trackedInfos(tx, [place.position])).get(place.position);
        if (info === undefined) throw unknownRun(id);
        return info;
      }, undefined),
    deleteRun: ({ id, by }) =>
      store.write(async (tx) => {
        const { position, deletedAt } = await requireRun(tx, id);
        if (deletedAt !== null) return;
        await markRun(tx, position, clock.now());
        events.publish(tx, { type: eventType('run.deleted'), subject: id, actor: by.identity, data: { id } });
      }, undefined),
    restoreRun: ({ id, by }) =>
      store.write(async (tx) => {
        const { position, deletedAt } = await requireRun(tx, id);
        if (deletedAt === null) return;
        await markRun(tx, position, null);
        events.publish(tx, { type: eventType('run.restored'), subject: id, actor: by.identity, data: { id } });
      }, undefined),
    logBatch: (run, { metrics = [], parameters = [], tags = [] }) => writer.write({ run, points: metrics, parameters, tags }),
    deleteTag: (run, key) =>
      store.write(async (tx) => {
        const { position } = await requireActiveRun(tx, run);
        if (await removeTag(tx, position, key)) return;
        throw new GyreError('NOT_FOUND', `No tag with name: ${key} in run with id ${run}`, { run, key });
      }, undefined),
    logDatasets: (run, inputs) =>
      store.write(
        async (tx, args: { readonly inputs: readonly DatasetInput[] }) => {
          const { position, experiment } = await requireActiveRun(tx, run);
          await insertDatasets(tx, { run: position, experiment, inputs: args.inputs });
        },
        { inputs },
      ),
    searchRuns: (query) =>
      store.read(async (db) => {
        const [experiments, outlook] = await Promise.all([experimentsAmong(db, query.experiments), outlookOf(db, names, query)]);
        const numbers = experiments.map(({ id }) => id);
        const { positions, next } = await searchRuns(db, names, { ...query, experiments: numbers }, outlook);
        return { items: await trackedRuns(db, names, positions, experiments), ...(next === undefined ? {} : { next }) };
      }),
    datasetsOf: (experiments) => store.read(async (db) => datasetUses(db, await experimentNumbers(db, experiments), mostDatasetUses)),
  };
}

interface CreateRunArgs {
  readonly request: CreateTrackedRun;
  readonly id: string;
  readonly at: number;
}

async function createRun(tx: Tx, { request, id, at }: CreateRunArgs): Promise<{ readonly run: TrackedRun; readonly experiment: string }> {
  const { experiment, name, user, startedAt = at, tags = [], by } = request;
  const row = await requireActive(tx, experiment);
  if (request.id !== undefined && (await placeOf(tx, id)) !== undefined)
    throw new GyreError('ALREADY_EXISTS', `a run with the id ${id} is there already`, { run: id });
  const named = tags.find(({ key }) => key === runNameTag)?.value;
  const made = {
    id,
    name: name || named || `run-${id.replaceAll('-', '').slice(-8)}`,
    status: 'RUNNING',
    user: user || by.name,
    startedAt,
  } as const;
  const set = new Map(tags.filter(({ key }) => key !== runNameTag).map(({ key, value }) => [key, value]));
  const kept = [...set].map(([key, value]) => ({ key, value })).sort(byKey);
  const record: RunRow = {
    id,
    experiment: row.id,
    name: made.name,
    status: made.status,
    trainer: null,
    study: null,
    trial: null,
    seed: null,
    inputs: [],
    code: { commit: commitOf(tags), dirty: false },
    environment: null,
    error: null,
    started_at: startedAt,
    ended_at: null,
    created_by: by,
    user_name: made.user,
  };
  await insertTaggedRun(tx, record, kept);
  const run: TrackedRun = {
    ...made,
    experiment: row.public_id,
    ...(row.artifact_location === null ? {} : { artifactLocation: row.artifact_location }),
    lifecycle: 'active',
    metrics: [],
    parameters: [],
    tags: [...kept, { key: runNameTag, value: made.name }],
    datasets: [],
    models: [],
  };
  return { run, experiment: row.name };
}

/** An event names so many metrics at most. */
const mostMetricsTold = 100;

async function finiteMetrics(tx: Tx, names: MetricNames, position: number): Promise<Record<string, number>> {
  const metrics = (await lastMetrics(tx, names, [position])).flat().filter(({ value }) => Number.isFinite(value));
  return Object.fromEntries(metrics.slice(0, mostMetricsTold).map(({ key, value }) => [key, value]));
}

/** The commit that a client says its code is of. */
function commitOf(tags: readonly KeyValue[]): string | null {
  return tags.find(({ key }) => key === 'mlflow.source.git.commit')?.value ?? null;
}

async function oneRun(db: Db, names: MetricNames, position: number, id: string): Promise<TrackedRun> {
  const [run] = await trackedRuns(db, names, [position]);
  if (run === undefined) throw unknownRun(id);
  return run;
}

async function requireRun(db: Db, id: string): Promise<RunPlace> {
  const place = await placeOf(db, id);
  if (place === undefined) throw unknownRun(id);
  return place;
}

async function requireActiveRun(db: Db, id: string): Promise<RunPlace> {
  const place = await requireRun(db, id);
  if (place.deletedAt !== null) throw deletedRun(id);
  return place;
}

async function requireExperiment(db: Db, id: string): Promise<ExperimentRow> {
  const row = await experimentRow(db, id);
  if (row === undefined) throw unknownExperiment(id);
  return row;
}

async function requireActive(db: Db, id: string): Promise<ExperimentRow> {
  const row = await requireExperiment(db, id);
  if (row.deleted_at !== null) throw notActive(row);
  return row;
}

function notActive({ public_id: id }: ExperimentRow): GyreError {
  return new GyreError('FAILED_PRECONDITION', `The experiment ${id} must be in the 'active' state. Current state is deleted.`, {
    experiment: id,
  });
}

function takenExperiment(what: 'id' | 'name', value: string): GyreError {
  return new GyreError('ALREADY_EXISTS', `Experiment(${what}=${value}) already exists.`, { [what]: value });
}

async function requireNewName(tx: Tx, name: string): Promise<void> {
  const known = await experimentRowNamed(tx, name);
  if (known === undefined) return;
  if (known.deleted_at === null) throw takenExperiment('name', name);
  throw new GyreError(
    'ALREADY_EXISTS',
    `Experiment(name=${name}) already exists. It is deleted: restore it, or delete it for good to use the name again.`,
    { name },
  );
}

async function assembled(db: Db, row: ExperimentRow): Promise<TrackedExperiment> {
  const [experiment] = await assembleExperiments(db, [row]);
  return experiment;
}
