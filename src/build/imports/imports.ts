import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordImport } from '#contract';
import { GyreError, messageOf } from '#core';
import { bringExperiments } from './bring-runs.ts';
import { bringRegistry } from './bring-registry.ts';
import { insertImport, interruptImports, selectImport, selectImports, updateImport } from './imports-store.ts';
import type { KeptImport } from './imports-store.ts';
import { openSource } from './open-source.ts';
import type { BeginImport, Imports, ImportsDeps } from './port.ts';
import type { TrackingSource } from './source.ts';
import { Tally } from './tally.ts';

const mostListed = 100;
/** So often a source that is watched is read. */
const watchMs = 2000;
/** So often its figures are written while it works. */
const saveMs = 1000;

interface Running {
  kept: KeptImport;
  readonly tally: Tally;
  readonly stop: AbortController;
  ended: Promise<void>;
}

/** Opens the imports over a migrated store; one that a process which is gone left running is marked so. */
export async function openImports(deps: ImportsDeps): Promise<Imports> {
  const { store, clock, newId } = deps;
  const running = new Map<string, Running>();
  await store.write(interruptImports, clock.now());
  const get = async (id: string): Promise<RecordImport> => {
    const found = await store.read((db) => selectImport(db, id));
    if (found === undefined) throw new GyreError('NOT_FOUND', `there is no import ${id}`, { id });
    return withFigures(found, running.get(id));
  };
  return {
    start: async (request) => {
      const tally = new Tally();
      const source = await openSource(request, tally.complain);
      try {
        for (const { kept } of running.values())
          if (kept.source === source.place)
            throw new GyreError('ABORTED', `${source.place} is being imported right now, as ${kept.id}`, { id: kept.id });
        const kept: KeptImport = {
          id: newId(),
          kind: request.kind,
          source: source.place,
          state: 'running',
          counts: {},
          refusals: [],
          startedAt: clock.now(),
          by: request.by,
        };
        const job: Running = { kept, tally, stop: new AbortController(), ended: Promise.resolve() };
        running.set(kept.id, job);
        await store.write(insertImport, kept);
        job.ended = run(deps, job, source, request).finally(() => running.delete(kept.id));
        return await get(kept.id);
      } catch (error) {
        await source[Symbol.asyncDispose]();
        throw error;
      }
    },
    get,
    list: async () => (await store.read((db) => selectImports(db, mostListed))).map((one) => withFigures(one, running.get(one.id))),
    cancel: async (id) => {
      const job = running.get(id);
      job?.stop.abort(new GyreError('CANCELLED', 'the import was cancelled'));
      await job?.ended;
      return get(id);
    },
    wait: async (id) => {
      await running.get(id)?.ended;
      return get(id);
    },
    [Symbol.asyncDispose]: async () => {
      for (const { stop } of running.values()) stop.abort(new GyreError('CANCELLED', 'the platform ends'));
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}

function withFigures(kept: RecordImport, job: Running | undefined): RecordImport {
  return job === undefined ? kept : { ...kept, counts: { ...job.tally.counts }, refusals: [...job.tally.refusals] };
}

/** Never rejects: how it ended is in its record. */
async function run(deps: ImportsDeps, job: Running, source: TrackingSource, { by, watch = false }: BeginImport): Promise<void> {
  const { store, clock, tracking, loggedModels, artifacts, registry } = deps;
  const { tally, stop } = job;
  const save = async (change: Partial<KeptImport>): Promise<void> => {
    job.kept = { ...job.kept, counts: tally.counts, refusals: [...tally.refusals], ...change };
    await store.write(updateImport, job.kept);
  };
  const timer = setInterval(() => void save({}).catch(() => undefined), saveMs);
  let end: Partial<KeptImport>;
  try {
    const bringing = {
      store,
      tracking,
      loggedModels,
      artifacts,
      registry,
      source,
      tally,
      by,
      signal: stop.signal,
    };
    await bringExperiments(bringing);
    await bringRegistry(bringing);
    while (watch) {
      await sleep(watchMs, undefined, { signal: stop.signal });
      await bringExperiments(bringing);
    }
    end = { state: 'finished' };
  } catch (error) {
    end = stop.signal.aborted ? { state: 'cancelled' } : { state: 'failed', error: messageOf(error) };
  } finally {
    clearInterval(timer);
    await source[Symbol.asyncDispose]();
  }
  // A store that went away cannot be told; the next process marks the import as interrupted.
  await save({ ...end, finishedAt: clock.now() }).catch(() => undefined);
}
