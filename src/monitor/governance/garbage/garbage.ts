import { eventType } from '#contract';
import type { GarbageSweep } from '#contract';
import { GyreError, isoInstant, messageOf } from '#core';
import type { Garbage, GarbageDeps, SweepRequest } from './port.ts';
import { sweepRecords } from './sweep-records.ts';
import { sweepBlobs, sweepObjects } from './sweep.ts';
import type { SweepProgress } from './sweep.ts';

const dayMs = 86_400_000;
const retentionMs = 30 * dayMs;
/** Shorter, it would not cover an ingestion or an upload that stores its bytes now and its record when all of them are there. */
const leastGraceMs = 3_600_000;
const remembered = 50;
const ways = { blobs: sweepBlobs, cache: sweepObjects, runs: sweepRecords } as const;

interface Running {
  readonly sweep: SweepProgress;
  readonly stop: AbortController;
  ended: Promise<void>;
}

/** Opens garbage collection over a migrated store. */
export function openGarbage(deps: GarbageDeps): Garbage {
  const sweeps: Running[] = [];
  const find = (id: string): Running => {
    const found = sweeps.find(({ sweep }) => sweep.id === id);
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `no garbage sweep ${id} of this process; the audit log keeps what earlier ones did`, { id });
  };
  return {
    start: async (request) => {
      const graceMs = request.graceMs ?? (request.what === 'runs' ? retentionMs : dayMs);
      if (request.what !== 'runs' && graceMs < leastGraceMs) {
        throw new GyreError(
          'INVALID_ARGUMENT',
          `a grace period of ${graceMs} ms is too short: at least an hour keeps what is being stored right now`,
        );
      }
      if (sweeps.some(({ sweep }) => sweep.state === 'running'))
        throw new GyreError('ABORTED', 'another garbage sweep is under way: wait for its end, or cancel it');
      const running: Running = { sweep: newSweep(deps, request, graceMs), stop: new AbortController(), ended: Promise.resolve() };
      sweeps.unshift(running);
      sweeps.length = Math.min(sweeps.length, remembered);
      running.ended = run(deps, running, request);
      return { ...running.sweep };
    },
    get: (id) => ({ ...find(id).sweep }),
    list: () => sweeps.map(({ sweep }) => ({ ...sweep })),
    wait: async (id) => {
      const found = find(id);
      await found.ended;
      return { ...found.sweep };
    },
    cancel: async (id) => {
      const found = find(id);
      found.stop.abort();
      await found.ended;
      return { ...found.sweep };
    },
    [Symbol.asyncDispose]: async () => {
      for (const { stop } of sweeps) stop.abort();
      await Promise.all(sweeps.map(({ ended }) => ended));
    },
  };
}

function newSweep({ clock, newId }: GarbageDeps, { what, apply }: SweepRequest, graceMs: number): SweepProgress {
  const none = { count: 0, bytes: 0 };
  return {
    id: newId(),
    what,
    apply,
    graceMs,
    state: 'running',
    phase: 'mark',
    referred: 0,
    looked: none,
    kept: none,
    young: none,
    garbage: none,
    deleted: none,
    items: [],
    startedAt: isoInstant(clock.now()),
  };
}

/** Never rejects: how it ended is in the sweep. */
async function run(deps: GarbageDeps, { sweep, stop }: Running, request: SweepRequest): Promise<void> {
  try {
    if (sweep.apply) await tell(deps, sweep, request, 'started');
    await ways[sweep.what](deps, sweep, stop.signal);
    sweep.phase = 'done';
    sweep.state = 'finished';
  } catch (error) {
    sweep.state = stop.signal.aborted ? 'cancelled' : 'failed';
    if (!stop.signal.aborted) sweep.error = messageOf(error);
  }
  sweep.endedAt = isoInstant(deps.clock.now());
  if (!sweep.apply) return;
  await tell(deps, sweep, request, 'ended').catch((error: unknown) => {
    sweep.error ??= `what was deleted could not be recorded: ${messageOf(error)}`;
  });
}

/** The beginning is recorded as well: a sweep that is killed has then left its trace. */
async function tell({ store, events }: GarbageDeps, sweep: GarbageSweep, { by }: SweepRequest, what: 'started' | 'ended'): Promise<void> {
  const { id, graceMs, state, deleted } = sweep;
  await store.write(async (tx) => {
    const common = { subject: id, actor: by.identity };
    if (what === 'started')
      events.publish(tx, { ...common, type: eventType('garbage_sweep.started'), data: { id, what: sweep.what, graceMs } });
    else {
      const data = { id, what: sweep.what, graceMs, state, blobs: deleted.count, bytes: deleted.bytes };
      events.publish(tx, { ...common, type: eventType('garbage_sweep.finished'), data });
    }
  }, {});
}
