import { eventType } from '#contract';
import type { Actor, ArtifactFile, Run } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { Db, Tx } from '#store';
import { entryAt, entriesOf, nameFile } from './artifacts/artifacts-store.ts';
import { ownPathOf, placeOf as placeOfFile, requireArtifactPath, runAddress, runFolder } from './artifacts/paths.ts';
import type { ArtifactPlace } from './artifacts/port.ts';
import { ensureExperiment, experimentRow, experimentRowNamed, selectExperiments, toExperiment } from './experiments-store.ts';
import { pointsByStep } from './history-store.ts';
import type { MetricNames } from './metric-names-store.ts';
import { insertMetrics } from './metrics-store.ts';
import type { NewPoint } from './metrics-store.ts';
import { pageSize, pointOfToken, pointToken, positionOf } from './paging.ts';
import type { NewMetric, StartRun, Training, TrainingDeps } from './port.ts';
import {
  artifactPlaceOf,
  closeRun,
  insertParameters,
  insertRun,
  openTrainerRuns,
  parameterRows,
  parameterValue,
  parametersOf,
  placeOf,
  runOf,
  newestRuns,
  selectRuns,
  upsertTags,
} from './runs-store.ts';
import type { NewKeyed, RunPlace } from './runs-store.ts';
import type { ExperimentRow } from './tables.ts';
import { ownRunId } from './tracking/words.ts';

/** The end of a run with everything that came out of it, written at once. */
export interface RunResult {
  readonly run: string;
  readonly status: 'FINISHED' | 'FAILED' | 'KILLED';
  readonly metrics?: readonly NewMetric[];
  readonly artifacts?: readonly ArtifactFile[];
  readonly error?: string;
  readonly by: Actor;
}

export type RunVerbs = Pick<
  Training,
  | 'ensureExperiment'
  | 'experiments'
  | 'startRun'
  | 'logMetrics'
  | 'logParameters'
  | 'setTags'
  | 'logArtifact'
  | 'readArtifact'
  | 'findArtifact'
  | 'readPatch'
  | 'artifactFolder'
  | 'artifactAddress'
  | 'finishRun'
  | 'failRun'
  | 'getRun'
  | 'listRuns'
  | 'metricHistory'
  | 'endAbandoned'
>;

export interface RunLog extends RunVerbs {
  /** Ends a run together with its metrics and artifacts: all of it is there, or nothing. */
  readonly end: (result: RunResult) => Promise<Run>;
}

/** Experiments and runs: what Gyre's own steps log to. */
export function openRunLog({ store, blobs, events, clock, newId, grants }: TrainingDeps, names: MetricNames): RunLog {
  const requirePlace = async (tx: Tx, run: string): Promise<RunPlace> => {
    const place = await placeOf(tx, run);
    if (place === undefined) throw await unknownRun(tx, run);
    return place;
  };
  /** @returns the run's position */
  const requireOpen = async (tx: Tx, run: string): Promise<number> => {
    const { status, position } = await requirePlace(tx, run);
    if (status === 'RUNNING' || status === 'SCHEDULED') return position;
    throw new GyreError('FAILED_PRECONDITION', `run ${run} is ${status}: only a run that is open can be logged to`, { run, status });
  };
  const newPoints = (metrics: readonly NewMetric[]): readonly Omit<NewPoint, 'run'>[] =>
    metrics.map(({ key, value, step = 0, timestamp = clock.now() }) => {
      if (key === '' || key.length > 250)
        throw new GyreError('INVALID_ARGUMENT', `a metric's key has 1 to 250 characters, not ${key.length}`);
      if (!Number.isFinite(value))
        throw new GyreError('INVALID_ARGUMENT', `metric "${key}" is ${value} at step ${step}: a finite number is needed`, { key });
      if (!Number.isSafeInteger(step))
        throw new GyreError('INVALID_ARGUMENT', `step ${step} of metric "${key}" is no whole number`, { key });
      return { key, step, timestamp, value };
    });

  async function start(
    tx: Tx,
    { request, id, at }: { readonly request: StartRun; readonly id: string; readonly at: number },
  ): Promise<Run> {
    const { row: experiment, isNew } = await ensureExperiment(tx, { name: request.experiment ?? 'Default', at });
    if (isNew) await grants?.own(tx, { kind: 'experiment', record: experiment.public_id }, request.by);
    const position = await insertRun(tx, {
      id,
      experiment: experiment.id,
      name: request.name ?? `run-${id.replaceAll('-', '').slice(-8)}`,
      status: 'RUNNING',
      trainer: request.trainer ?? null,
      study: request.study ?? null,
      trial: request.trial ?? null,
      seed: request.seed ?? null,
      inputs: request.inputs ?? [],
      code: request.code,
      environment: request.environment,
      error: null,
      started_at: at,
      ended_at: null,
      created_by: request.by,
    });
    await insertParameters(tx, parameterRows(position, request.parameters ?? {}));
    await upsertTags(tx, tagRows(position, request.tags ?? {}));
    events.publish(tx, {
      type: eventType('run.started'),
      subject: id,
      actor: request.by.identity,
      data: { id, experiment: experiment.name, ...(request.trainer === undefined ? {} : { trainer: request.trainer }) },
    });
    return found(tx, names, id);
  }
  async function end(
    tx: Tx,
    { at, result, points }: { readonly at: number; readonly result: RunResult; readonly points: readonly Omit<NewPoint, 'run'>[] },
  ): Promise<Run> {
    const { run, status, artifacts = [], error, by } = result;
    const position = await requireOpen(tx, run);
    await insertMetrics(
      tx,
      names,
      points.map((point) => ({ ...point, run: position })),
    );
    const folder = await folderOf(tx, run);
    for (const file of artifacts) await nameFile(tx, { file: { ...file, path: `${folder}/${file.path}` }, at });
    await closeRun(tx, { run, status, at, ...(error === undefined ? {} : { error }) });
    const ended = await found(tx, names, run);
    events.publish(tx, {
      type: eventType('run.finished'),
      subject: run,
      actor: by.identity,
      data: { id: run, status, metrics: ended.metrics },
      ...(error === undefined ? {} : { reason: error }),
    });
    return ended;
  }
  const endRun = async (result: RunResult): Promise<Run> =>
    store.write(end, { at: clock.now(), result, points: newPoints(result.metrics ?? []) });

  return {
    ensureExperiment: async (name) => toExperiment((await store.write(ensureExperiment, { name, at: clock.now() })).row),
    experiments: () => store.read(selectExperiments),
    startRun: (request) => store.write(start, { request, id: newId(), at: clock.now() }),
    logMetrics: async (run, metrics) =>
      store.write(async (tx, points: readonly Omit<NewPoint, 'run'>[]) => {
        const position = await requireOpen(tx, run);
        await insertMetrics(
          tx,
          names,
          points.map((point) => ({ ...point, run: position })),
        );
      }, newPoints(metrics)),
    logParameters: (run, parameters) =>
      store.write(async (tx) => {
        const position = await requireOpen(tx, run);
        const known = new Map((await parametersOf(tx, [position])).flat().map((one) => [one.key, parameterValue(one)]));
        const changed = Object.entries(parameters).find(([key, value]) => known.has(key) && known.get(key) !== value);
        if (changed !== undefined) {
          const [key, value] = changed;
          throw new GyreError(
            'ALREADY_EXISTS',
            `parameter "${key}" of run ${run} is ${JSON.stringify(known.get(key))} already; it cannot become ${JSON.stringify(value)}`,
            { run, key },
          );
        }
        await insertParameters(
          tx,
          parameterRows(position, parameters).filter(({ key }) => !known.has(key)),
        );
      }, undefined),
    setTags: (run, tags) =>
      store.write(async (tx) => {
        const { position } = await requirePlace(tx, run);
        await upsertTags(tx, tagRows(position, tags));
      }, undefined),
    async logArtifact(run, path, bytes) {
      requireArtifactPath(path);
      const { digest, size } = await blobs.put(bytes);
      const artifact = { path, digest, size };
      await store.write(async (tx, at: number) => {
        await requireOpen(tx, run);
        await nameFile(tx, { file: { ...artifact, path: `${await folderOf(tx, run)}/${path}` }, at });
      }, clock.now());
      return artifact;
    },
    async readArtifact(run, path) {
      const file = await store.read(async (db) => (await artifactOf(db, run, path)) ?? (await unknownArtifact(db, run, path)));
      return blobs.read(asSha256(file.digest));
    },
    async readPatch(run) {
      const { patch } = (await store.read((db) => found(db, names, run))).code;
      if (patch === undefined) throw new GyreError('NOT_FOUND', `run ${run} has no changes beside its commit on record`, { run });
      return blobs.read(asSha256(patch));
    },
    findArtifact: (run, path) => store.read((db) => artifactOf(db, run, path)),
    async artifactFolder(run) {
      const place = await store.read((db) => requireArtifactPlace(db, run));
      if (place.location === undefined || ownPathOf(place.location) !== undefined) return runFolder(place);
      const address = runAddress(place);
      throw new GyreError('FAILED_PRECONDITION', `the artifacts of run ${run} are at ${address}, which is not read from here`, {
        run,
        address,
      });
    },
    artifactAddress: async (run) => runAddress(await store.read((db) => requireArtifactPlace(db, run))),
    finishRun: (run, by) => endRun({ run, status: 'FINISHED', by }),
    failRun: (run, error, by, status = 'FAILED') => endRun({ run, status, error, by }),
    end: endRun,
    getRun: (run) => store.read((db) => found(db, names, run)),
    listRuns: ({ experiment, study, status, limit, after } = {}) =>
      store.read(async (db) => {
        const size = pageSize(limit, 50, 1000);
        const known = experiment === undefined ? undefined : await experimentOf(db, experiment);
        const filter = {
          ...(known === undefined ? {} : { experiment: known.id }),
          ...(study === undefined ? {} : { study }),
          ...(status === undefined ? {} : { status }),
        };
        const rows = await selectRuns(db, names, filter, size + 1, positionOf(after));
        const items = rows.slice(0, size);
        const last = items.at(-1);
        return { items: items.map(({ run }) => run), ...(rows.length > size && last !== undefined ? { next: String(last.position) } : {}) };
      }),
    metricHistory: (run, key, { limit, after } = {}) =>
      store.read(async (db) => {
        const place = await placeOf(db, run);
        if (place === undefined) throw await unknownRun(db, run);
        const name = await names.find(db, key);
        if (name === undefined) return { items: [] };
        const size = pageSize(limit, 1000, 25_000);
        const points = await pointsByStep(
          db,
          { run: place.position, name },
          size + 1,
          after === undefined ? undefined : pointOfToken(after),
        );
        const items = points.slice(0, size);
        const last = items.at(-1);
        return {
          // JSON has no numbers that are none: they come as null.
          items: items.map(({ step, timestamp, value, isNan }) => ({
            key,
            step,
            timestamp,
            value: isNan || !Number.isFinite(value) ? null : value,
          })),
          ...(points.length > size && last !== undefined ? { next: pointToken(last) } : {}),
        };
      }),
    async endAbandoned(by) {
      const runs = await store.read(openTrainerRuns);
      for (const run of runs) await endRun({ run, status: 'KILLED', error: 'the process that trained it ended', by });
      return runs.length;
    },
  };
}

async function found(db: Db, names: MetricNames, run: string): Promise<Run> {
  const record = await runOf(db, names, run);
  if (record !== undefined) return record;
  throw await unknownRun(db, run);
}

async function unknownRun(db: Db, run: string): Promise<GyreError> {
  const newest = await newestRuns(db, 3);
  const known = newest.length === 0 ? 'there is none yet' : `the newest are ${newest.join(', ')}`;
  return new GyreError('NOT_FOUND', `no run "${run}"; ${known}`, { run });
}

/** An experiment that is not deleted, by its name or else its id. */
async function experimentOf(db: Db, name: string): Promise<ExperimentRow> {
  const [named, numbered] = await Promise.all([experimentRowNamed(db, name), experimentRow(db, name)]);
  const known = [named, numbered].find((row) => row?.deleted_at === null);
  if (known !== undefined) return known;
  const all = await selectExperiments(db);
  const names = all.length === 0 ? 'there is none yet' : `there are ${all.map((one) => `"${one.name}"`).join(', ')}`;
  throw new GyreError('NOT_FOUND', `no experiment "${name}"; ${names}`, { experiment: name });
}

/** Where a run's files stand. @throws GyreError NOT_FOUND */
async function folderOf(db: Db, run: string): Promise<string> {
  return runFolder(await requireArtifactPlace(db, run));
}

async function requireArtifactPlace(db: Db, run: string): Promise<ArtifactPlace> {
  const place = await artifactPlaceOf(db, ownRunId(run));
  if (place !== undefined) return place;
  throw await unknownRun(db, run);
}

async function artifactOf(db: Db, run: string, path: string): Promise<ArtifactFile | undefined> {
  const folder = await folderOf(db, run);
  const entry = await entryAt(db, placeOfFile(`${folder}/${requireArtifactPath(path)}`));
  return entry?.kind === 'file' ? { path, digest: entry.digest, size: entry.size } : undefined;
}

/** @throws GyreError NOT_FOUND naming what the run has */
async function unknownArtifact(db: Db, run: string, path: string): Promise<never> {
  const folder = await folderOf(db, run);
  const first = await entriesOf(db, folder, 4, undefined);
  const names = first.map((one) => placeOfFile(one.path).name).join(', ');
  const known = first.length === 0 ? 'it has none' : first.length < 4 ? `it has ${names}` : `it has ${names}, …`;
  throw new GyreError('NOT_FOUND', `run ${run} has no artifact "${path}"; ${known}`, { run, path });
}

function tagRows(run: number, tags: Readonly<Record<string, string>>): readonly NewKeyed[] {
  return Object.entries(tags).map(([key, value]) => ({ run, key, value }));
}
