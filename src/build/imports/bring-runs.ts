import { GyreError, hasCode, messageOf } from '#core';
import { importedState, putImported } from './imports-store.ts';
import { bringFiles } from './bring-files.ts';
import { bringModels } from './bring-models.ts';
import type { MeasuredPoint } from './bring-models.ts';
import { isFinal, orRefuse, ownId, stateOf } from './bringing.ts';
import type { Bringing } from './bringing.ts';
import type { KeyValue, SourceExperiment, SourceRun, TrackingSource } from './source.ts';

/** So many runs are brought in at the same time: their writes share commits. */
const runsAtOnce = 4;
const pairsAtOnce = 500;
/** The tag that MLflow knows a run's name by: here it is the name. */
const runNameTag = 'mlflow.runName';

/** Brings the experiments of a source in, with their runs and the files of these. @returns our ids of experiments by the source's */
export async function bringExperiments(bringing: Bringing): Promise<ReadonlyMap<string, string>> {
  const { source, tally, signal } = bringing;
  const ours = new Map<string, string>();
  for await (const experiment of source.experiments()) {
    signal.throwIfAborted();
    const isFirst = tally.meets('experiments', experiment.id);
    try {
      const id = await bringExperiment(bringing, experiment, isFirst);
      ours.set(experiment.id, id);
      const measured = await bringModels(bringing, experiment.id, id);
      await bringRuns(bringing, experiment, id, measured);
      if (experiment.deleted) await deleteIfActive(bringing, id);
    } catch (error) {
      if (isFinal(error, signal)) throw error;
      tally.refused('experiments', { what: `experiment ${experiment.name} (${experiment.id})`, why: messageOf(error) });
    }
  }
  return ours;
}

/** The one of this name, or a new one with its id where that is free. */
async function bringExperiment(
  { tracking, tally, by, source }: Bringing,
  { id, name, tags, deleted, isNamedOnly = false }: SourceExperiment,
  isFirst: boolean,
): Promise<string> {
  const existing = await tracking.experimentNamed(name);
  const pairs = Object.fromEntries(tags.map(({ key, value }) => [key, value]));
  if (existing !== undefined) {
    if (isFirst) tally.present('experiments');
    if (existing.lifecycle === 'deleted' && (!deleted || (await hasMore(source, id))))
      await tracking.restoreExperiment({ id: existing.id, by });
    if (tags.length > 0 && existing.lifecycle === 'active') await tracking.tagExperiment(existing.id, pairs);
    return existing.id;
  }
  const isFree = !isNamedOnly && (await isNobodys(tracking, id));
  const created = await tracking.createExperiment({ name, tags, by, ...(isFree ? { id } : {}) });
  tally.imported('experiments');
  return created.id;
}

async function isNobodys(tracking: Bringing['tracking'], id: string): Promise<boolean> {
  try {
    await tracking.getExperiment(id);
    return false;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return true;
    throw error;
  }
}

async function hasMore(source: TrackingSource, experiment: string): Promise<boolean> {
  for await (const _ of source.runs(experiment)) return true;
  return false;
}

async function deleteIfActive({ tracking, by }: Bringing, id: string): Promise<void> {
  const { lifecycle } = await tracking.getExperiment(id);
  if (lifecycle === 'active') await tracking.deleteExperiment({ id, by });
}

async function bringRuns(
  bringing: Bringing,
  experiment: SourceExperiment,
  into: string,
  measured: ReadonlyMap<string, readonly MeasuredPoint[]>,
): Promise<void> {
  const { source, signal, tally } = bringing;
  const working = new Set<Promise<void>>();
  let failure: unknown;
  for await (const run of source.runs(experiment.id)) {
    signal.throwIfAborted();
    const isFirst = tally.meets('runs', run.id);
    const work = bringRun(bringing, { experiment: experiment.id, into, run, isFirst, measured: measured.get(run.id) ?? [] })
      .catch((error: unknown) => {
        if (isFinal(error, signal)) failure ??= error;
        else tally.refused('runs', { what: `run ${run.id} (${run.name})`, why: messageOf(error) });
      })
      .finally(() => working.delete(work));
    working.add(work);
    if (working.size >= runsAtOnce) await Promise.race(working);
    if (failure !== undefined) break;
  }
  await Promise.all(working);
  if (failure !== undefined) throw failure instanceof Error ? failure : new Error(String(failure));
}

interface OneRun {
  /** The source's id of the experiment. */
  readonly experiment: string;
  /** Ours. */
  readonly into: string;
  readonly run: SourceRun;
  /** Whether this import has not met it before. */
  readonly isFirst: boolean;
  /** Its points of logged models. */
  readonly measured: readonly MeasuredPoint[];
}

async function bringRun(bringing: Bringing, { experiment, into, run, isFirst, measured }: OneRun): Promise<void> {
  const { store, tracking, loggedModels, source, tally, by } = bringing;
  const state = stateOf({ ...run, measured });
  const known = await store.read((db) => importedState(db, source.place, 'run', run.id));
  if (known === state) {
    tally.present('runs');
    return;
  }
  const id = ownId(run.id);
  const isNew = await createRun(bringing, into, run, id);
  await bringPairs(bringing, run, id, 'parameters');
  await bringPairs(bringing, run, id, 'tags');
  for await (const points of source.points(experiment, run.id)) {
    bringing.signal.throwIfAborted();
    tally.read('points', points.length);
    await orRefuse(bringing, 'points', `points of run ${run.id}`, points.length, () => tracking.logBatch(id, { metrics: points }));
  }
  for (let start = 0; start < measured.length; start += pairsAtOnce) {
    const metrics = measured.slice(start, start + pairsAtOnce);
    await orRefuse(bringing, 'points', `points of models of run ${run.id}`, 0, () => tracking.logBatch(id, { metrics }));
  }
  if (run.models.length > 0) {
    const what = `models of run ${run.id}`;
    await orRefuse(bringing, 'models', what, 0, () => loggedModels.link(id, run.models));
  }
  if (run.datasets.length > 0) {
    tally.read('datasets', run.datasets.length);
    const inputs = run.datasets.map(({ tags, ...dataset }) => ({ dataset, tags }));
    await orRefuse(bringing, 'datasets', `datasets of run ${run.id}`, inputs.length, () => tracking.logDatasets(id, inputs));
  }
  const place = { experiment, run: run.id, ...(run.artifacts === undefined ? {} : { artifacts: run.artifacts }) };
  const filesLeft = await bringFiles(bringing, place, `${into}/${run.id}/artifacts`);
  if (run.status !== 'RUNNING')
    await tracking.updateRun({ id, status: run.status, ...(run.endedAt === undefined ? {} : { endedAt: run.endedAt }), by });
  if (run.deleted) await tracking.deleteRun({ id, by });
  if (isNew) tally.imported('runs');
  else if (isFirst) tally.present('runs');
  // A run that goes on, and one whose files were out of reach, is read again next time.
  if (run.status === 'RUNNING' || filesLeft) return;
  await store.write(putImported, { source: source.place, what: 'run', record: run.id, state });
}

/** @returns whether it was made now */
async function createRun({ tracking, by }: Bringing, into: string, run: SourceRun, id: string): Promise<boolean> {
  try {
    const { user, startedAt } = run;
    await tracking.createRun({
      experiment: into,
      id,
      name: run.name,
      ...(user === undefined ? {} : { user }),
      ...(startedAt === undefined ? {} : { startedAt }),
      by,
    });
    return true;
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    const { lifecycle, experiment } = await tracking.getRun(id);
    if (experiment !== into)
      throw new GyreError('ALREADY_EXISTS', `a run of this id is in experiment ${experiment} already`, {}, { cause: error });
    if (lifecycle === 'deleted') await tracking.restoreRun({ id, by });
    return false;
  }
}

/** All at once; where one cannot be taken, one by one. */
async function bringPairs({ tracking, tally, signal }: Bringing, run: SourceRun, id: string, what: 'parameters' | 'tags'): Promise<void> {
  const pairs = what === 'tags' ? run.tags.filter(({ key }) => key !== runNameTag) : run.parameters;
  tally.read(what, pairs.length);
  for (let start = 0; start < pairs.length; start += pairsAtOnce) {
    const some = pairs.slice(start, start + pairsAtOnce);
    const log = (batch: readonly KeyValue[]): Promise<void> =>
      tracking.logBatch(id, what === 'tags' ? { tags: batch } : { parameters: batch });
    try {
      await log(some);
      tally.imported(what, some.length);
    } catch (error) {
      if (isFinal(error, signal)) throw error;
      for (const pair of some) {
        try {
          await log([pair]);
          tally.imported(what);
        } catch (reason) {
          if (isFinal(reason, signal)) throw reason;
          tally.refused(what, { what: `${what === 'tags' ? 'tag' : 'parameter'} ${pair.key} of run ${run.id}`, why: messageOf(reason) });
        }
      }
    }
  }
}
