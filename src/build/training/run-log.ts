import { eventType } from '#contract';
import type { Actor, Experiment, Run } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { Db, Tx } from '#store';
import { ensureExperiment, experimentByName, selectExperiments } from './experiments-store.ts';
import { insertMetrics, selectHistory } from './metrics-store.ts';
import type { HistoryPlace } from './metrics-store.ts';
import { pageSize, positionOf } from './paging.ts';
import type { NewMetric, StartRun, Training, TrainingDeps } from './port.ts';
import {
  closeRun,
  insertParameters,
  insertRun,
  openStudyRuns,
  parametersOf,
  runOf,
  selectRuns,
  statusOf,
  upsertArtifacts,
  upsertTags,
} from './runs-store.ts';
import type { MetricRow } from './tables.ts';

/** The end of a run with everything that came out of it, written at once. */
export interface RunResult {
  readonly run: string;
  readonly status: 'FINISHED' | 'FAILED' | 'KILLED';
  readonly metrics?: readonly NewMetric[];
  readonly artifacts?: Run['artifacts'];
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

/** Experiments and runs: what anybody who trains something logs to. */
export function openRunLog({ store, blobs, events, clock, newId }: TrainingDeps): RunLog {
  const requireOpen = async (tx: Tx, run: string): Promise<void> => {
    const status = await statusOf(tx, run);
    if (status === undefined) throw await unknownRun(tx, run);
    if (status === 'RUNNING' || status === 'SCHEDULED') return;
    throw new GyreError('FAILED_PRECONDITION', `run ${run} is ${status}: only a run that is open can be logged to`, { run, status });
  };
  const metricRows = (run: string, metrics: readonly NewMetric[]): MetricRow[] =>
    metrics.map(({ key, value, step = 0, timestamp = clock.now() }) => {
      if (key === '' || key.length > 250)
        throw new GyreError('INVALID_ARGUMENT', `a metric's key has 1 to 250 characters, not ${key.length}`);
      if (!Number.isFinite(value))
        throw new GyreError('INVALID_ARGUMENT', `metric "${key}" is ${value} at step ${step}: a finite number is needed`, { key });
      if (!Number.isSafeInteger(step))
        throw new GyreError('INVALID_ARGUMENT', `step ${step} of metric "${key}" is no whole number`, { key });
      return { run, key, step, timestamp, value };
    });

  async function start(
    tx: Tx,
    { request, id, at }: { readonly request: StartRun; readonly id: string; readonly at: number },
  ): Promise<Run> {
    const experiment = await ensureExperiment(tx, { name: request.experiment ?? 'Default', at });
    await insertRun(tx, {
      id,
      experiment: Number(experiment.id),
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
    await insertParameters(tx, id, request.parameters ?? {});
    await upsertTags(tx, id, request.tags ?? {});
    events.publish(tx, {
      type: eventType('run.started'),
      subject: id,
      actor: request.by.identity,
      data: { id, experiment: experiment.name, ...(request.trainer === undefined ? {} : { trainer: request.trainer }) },
    });
    return found(tx, id);
  }
  async function end(
    tx: Tx,
    { at, result, rows }: { readonly at: number; readonly result: RunResult; readonly rows: readonly MetricRow[] },
  ): Promise<Run> {
    const { run, status, artifacts = [], error, by } = result;
    await requireOpen(tx, run);
    if (rows.length > 0) await insertMetrics(tx, rows);
    await upsertArtifacts(tx, run, artifacts);
    await closeRun(tx, { run, status, at, ...(error === undefined ? {} : { error }) });
    const ended = await found(tx, run);
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
    store.write(end, { at: clock.now(), result, rows: metricRows(result.run, result.metrics ?? []) });

  return {
    ensureExperiment: (name) => store.write(ensureExperiment, { name, at: clock.now() }),
    experiments: () => store.read(selectExperiments),
    startRun: (request) => store.write(start, { request, id: newId(), at: clock.now() }),
    logMetrics: async (run, metrics) =>
      store.write(
        async (tx, rows: readonly MetricRow[]) => {
          await requireOpen(tx, run);
          if (rows.length > 0) await insertMetrics(tx, rows);
        },
        metricRows(run, metrics),
      ),
    logParameters: (run, parameters) =>
      store.write(async (tx) => {
        await requireOpen(tx, run);
        const known = await parametersOf(tx, run);
        const changed = Object.entries(parameters).find(([key, value]) => Object.hasOwn(known, key) && known[key] !== value);
        if (changed !== undefined) {
          const [key, value] = changed;
          throw new GyreError(
            'ALREADY_EXISTS',
            `parameter "${key}" of run ${run} is ${JSON.stringify(known[key])} already; it cannot become ${JSON.stringify(value)}`,
            {
              run,
              key,
            },
          );
        }
        await insertParameters(tx, run, Object.fromEntries(Object.entries(parameters).filter(([key]) => !Object.hasOwn(known, key))));
      }, undefined),
    setTags: (run, tags) =>
      store.write(async (tx) => {
        if ((await statusOf(tx, run)) === undefined) throw await unknownRun(tx, run);
        await upsertTags(tx, run, tags);
      }, undefined),
    async logArtifact(run, path, bytes) {
      requirePath(path);
      const { digest, size } = await blobs.put(bytes);
      const artifact = { path, digest, size };
      await store.write(async (tx) => {
        await requireOpen(tx, run);
        await upsertArtifacts(tx, run, [artifact]);
      }, undefined);
      return artifact;
    },
    async readArtifact(run, path) {
      const { artifacts } = await store.read((db) => found(db, run));
      const artifact = artifacts.find((one) => one.path === path);
      if (artifact !== undefined) return blobs.read(asSha256(artifact.digest));
      const known = artifacts.length === 0 ? 'it has none' : `it has ${artifacts.map((one) => one.path).join(', ')}`;
      throw new GyreError('NOT_FOUND', `run ${run} has no artifact "${path}"; ${known}`, { run, path });
    },
    finishRun: (run, by) => endRun({ run, status: 'FINISHED', by }),
    failRun: (run, error, by, status = 'FAILED') => endRun({ run, status, error, by }),
    end: endRun,
    getRun: (run) => store.read((db) => found(db, run)),
    listRuns: ({ experiment, study, status, limit, after } = {}) =>
      store.read(async (db) => {
        const size = pageSize(limit, 50, 1000);
        const known = experiment === undefined ? undefined : await experimentOf(db, experiment);
        const filter = {
          ...(known === undefined ? {} : { experiment: Number(known.id) }),
          ...(study === undefined ? {} : { study }),
          ...(status === undefined ? {} : { status }),
        };
        const rows = await selectRuns(db, filter, size + 1, positionOf(after));
        const items = rows.slice(0, size);
        const last = items.at(-1);
        return { items: items.map(({ run }) => run), ...(rows.length > size && last !== undefined ? { next: String(last.position) } : {}) };
      }),
    metricHistory: (run, key, { limit, after } = {}) =>
      store.read(async (db) => {
        if ((await statusOf(db, run)) === undefined) throw await unknownRun(db, run);
        const size = pageSize(limit, 1000, 25_000);
        const rows = await selectHistory(db, run, key, size + 1, placeOf(after));
        const items = rows.slice(0, size);
        const last = items.at(-1);
        const next = rows.length > size && last !== undefined ? { next: `${last.place.step}.${last.place.position}` } : {};
        return { items: items.map(({ point }) => point), ...next };
      }),
    async endAbandoned(by) {
      const runs = await store.read(openStudyRuns);
      for (const run of runs) await endRun({ run, status: 'KILLED', error: 'the process that trained it ended', by });
      return runs.length;
    },
  };
}

async function found(db: Db, run: string): Promise<Run> {
  const record = await runOf(db, run);
  if (record !== undefined) return record;
  throw await unknownRun(db, run);
}

async function unknownRun(db: Db, run: string): Promise<GyreError> {
  const recent = await selectRuns(db, {}, 3, undefined);
  const known = recent.length === 0 ? 'there is none yet' : `the newest are ${recent.map((one) => one.run.id).join(', ')}`;
  return new GyreError('NOT_FOUND', `no run "${run}"; ${known}`, { run });
}

async function experimentOf(db: Db, name: string): Promise<Experiment> {
  const all = await selectExperiments(db);
  const known = (await experimentByName(db, name)) ?? all.find(({ id }) => id === name);
  if (known !== undefined) return known;
  const names = all.length === 0 ? 'there is none yet' : `there are ${all.map((one) => `"${one.name}"`).join(', ')}`;
  throw new GyreError('NOT_FOUND', `no experiment "${name}"; ${names}`, { experiment: name });
}

/** @throws GyreError INVALID_ARGUMENT for a path that leaves the run's folder or names none */
function requirePath(path: string): void {
  const parts = path.split('/');
  if (
    path !== '' &&
    path.length <= 500 &&
    !path.includes('\\') &&
    !path.includes('\0') &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  )
    return;
  throw new GyreError('INVALID_ARGUMENT', `"${path}" is no path of an artifact: names joined by "/" are needed, without "." and ".."`, {
    path,
  });
}

function placeOf(after: string | undefined): HistoryPlace | undefined {
  if (after === undefined) return undefined;
  const [step, position] = after.split('.').map(Number);
  if (Number.isSafeInteger(step) && Number.isSafeInteger(position)) return { step, position };
  throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token: use the "next" of the page before`);
}
