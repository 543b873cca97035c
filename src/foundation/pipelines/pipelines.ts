import { setTimeout as sleep } from 'node:timers/promises';
import { eventType } from '#contract';
import type { PipelineRun } from '#contract';
import { GyreError, hasCode } from '#core';
import { checkPlan } from './plan.ts';
import {
  beat,
  findAbandoned,
  findRun,
  insertRun,
  listRuns,
  pipelineRunOf,
  readRun,
  readSteps,
  rewindSteps,
  updateRun,
} from './pipelines-store.ts';
import type { RunRow, StepRow } from './pipelines-store.ts';
import { itemsOf } from './items/list-items.ts';
import type { ItemListOptions, ListOptions, PipelineSignal, Pipelines, PipelinesOptions, StepHandler, Submission } from './port.ts';
import { RunExecution } from './run-execution.ts';

const defaultLeaseMs = 15_000;
const waitPollMs = 250;
const closeGraceMs = 10_000;

/** Opens the room over a migrated store. Disposing it stops running steps and gives their runs up for the next process. */
export function openPipelines(options: PipelinesOptions): Pipelines {
  return new PipelineRoom(options);
}

class PipelineRoom implements Pipelines {
  readonly #options: PipelinesOptions;
  readonly #handlers = new Map<string, StepHandler>();
  readonly #executions = new Map<string, RunExecution>();
  readonly #underway = new Map<string, Promise<void>>();
  /** Runs that stopped here because the store took nothing (a full disk), until they are taken up again. */
  readonly #stalled = new Map<string, string>();
  readonly #listeners = new Set<(signal: PipelineSignal) => void>();
  readonly #leaseMs: number;
  readonly #heart: NodeJS.Timeout;
  #beating: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: PipelinesOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? defaultLeaseMs;
    this.#heart = setInterval(() => {
      this.#beating = this.#beating.then(() => this.#beat());
    }, this.#leaseMs / 5);
    this.#heart.unref();
  }

  register(handler: StepHandler): void {
    if (this.#handlers.has(handler.kind)) throw new GyreError('ALREADY_EXISTS', `steps of kind "${handler.kind}" have a handler already`);
    this.#handlers.set(handler.kind, handler);
  }

  async submit(submission: Submission): Promise<PipelineRun> {
    if (this.#closed) throw new GyreError('UNAVAILABLE', 'pipelines are closing and take no new run');
    checkPlan(submission, this.#handlers);
    const { run, steps } = this.#rowsOf(submission);
    const { events, project } = this.#options;
    await this.#options.store.write(
      async (tx, args) => {
        await insertRun(tx, args.run, args.steps);
        const data = { id: args.run.id, pipeline: args.run.pipeline, reason: args.run.reason };
        const actor = args.run.created_by.identity;
        events.publish(tx, {
          type: eventType('pipeline_run.started'),
          subject: args.run.id,
          data,
          actor,
          reason: args.run.reason,
          ...(project === undefined ? {} : { project }),
        });
      },
      { run, steps },
    );
    this.#start(run);
    return pipelineRunOf(run, steps);
  }

  async wait(id: string, signal?: AbortSignal): Promise<PipelineRun> {
    for (;;) {
      if (signal?.aborted === true)
        throw new GyreError('CANCELLED', `nobody waits for pipeline run ${id} any more; it goes on`, { run: id });
      const run = await this.get(id);
      if (run.endedAt !== undefined) return run;
      const here = this.#executions.get(id)?.finished;
      // In another process it is looked up again and again; here its end is told at once.
      const next = sleep(here === undefined ? waitPollMs : 60_000, undefined, {
        ref: here === undefined,
        ...(signal === undefined ? {} : { signal }),
      }).catch(() => undefined);
      await Promise.race(here === undefined ? [next] : [here, next]);
    }
  }

  async get(id: string): Promise<PipelineRun> {
    const { run, steps } = await this.#read(id);
    return this.#withStall(pipelineRunOf(run, steps));
  }

  async list(options: ListOptions): Promise<{ readonly items: readonly PipelineRun[]; readonly next?: string }> {
    const { limit, after, ...filters } = options;
    const page = { limit, ...filters, ...(after === undefined ? {} : { after: cursorOf(after) }) };
    const { rows, steps } = await this.#options.store.read(async (db) => {
      const found = await listRuns(db, page);
      return {
        rows: found,
        steps:
          found.length === 0
            ? []
            : await readSteps(
                db,
                found.slice(0, limit).map(({ id }) => id),
              ),
      };
    });
    const items = rows.slice(0, limit).map((row) =>
      this.#withStall(
        pipelineRunOf(
          row,
          steps.filter(({ pipeline_run }) => pipeline_run === row.id),
        ),
      ),
    );
    const last = rows[limit - 1];
    return rows.length > limit && last !== undefined ? { items, next: `${last.created_at}.${last.id}` } : { items };
  }

  async logs(id: string, step: string): Promise<readonly string[]> {
    return (await this.#step(id, step)).log;
  }

  async items(id: string, step: string, options: ItemListOptions): ReturnType<Pipelines['items']> {
    return itemsOf(this.#options.store, (await this.#step(id, step)).id, options);
  }

  /** @throws GyreError NOT_FOUND */
  async #step(id: string, step: string): Promise<StepRow> {
    const { steps } = await this.#read(id);
    const found = steps.find((row) => row.step === step);
    if (found !== undefined) return found;
    const known = steps.map((row) => row.step).join(', ');
    throw new GyreError('NOT_FOUND', `pipeline run ${id} has no step "${step}"; it has ${known}`, { run: id, step });
  }

  async cancel(id: string, by: PipelineRun['createdBy']): Promise<PipelineRun> {
    await this.#read(id);
    const isHeld = await this.#options.store.write(
      async (tx, args) => {
        await tx.lock(`pipeline-run:${args.id}`);
        const run = await findRun(tx, args.id);
        if (run === undefined || run.ended_at !== null) return true;
        await updateRun(tx, args.id, { cancelled_by: args.by });
        return run.owner !== null;
      },
      { id, by: by.identity },
    );
    const here = this.#executions.get(id);
    if (here !== undefined) {
      here.stop('cancelled');
      await here.finished;
    } else if (!isHeld) {
      // Nobody runs it: this process takes it to bring it to its end.
      const taken = await this.#take(id, this.#options.clock.now() + 1);
      await taken?.finished;
    }
    return this.get(id);
  }

  async resume(): Promise<readonly string[]> {
    const now = this.#options.clock.now();
    return this.#resume(this.#options.exclusive === true ? now + 1 : now - this.#leaseMs);
  }

  async #resume(beatBefore: number): Promise<readonly string[]> {
    const abandoned = await this.#options.store.read((db) => findAbandoned(db, beatBefore));
    const resumed: string[] = [];
    for (const { id } of abandoned) {
      if (this.#closed || this.#executions.has(id)) continue;
      if ((await this.#take(id, beatBefore)) !== undefined) resumed.push(id);
    }
    return resumed;
  }

  watch(listener: (signal: PipelineSignal) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#heart);
    const executions = [...this.#executions.values()];
    for (const execution of executions) execution.stop('closing');
    const ended = Promise.all([this.#beating, ...executions.map(({ finished }) => finished)]);
    // A step that does not listen to its signal cannot hold the process: its run is resumed like that of a process that was killed.
    await Promise.race([ended, sleep(closeGraceMs, undefined, { ref: false })]);
  }

  /** Makes a run this process's own, if nobody else was faster. */
  async #take(id: string, beatBefore: number): Promise<RunExecution | undefined> {
    const taken = await this.#options.store.write(
      async (tx, args) => {
        await tx.lock(`pipeline-run:${args.id}`);
        const run = await findRun(tx, args.id);
        // What this very process has just submitted is not left by anybody, whatever it knows of other owners.
        const before = run?.owner === args.owner ? args.ownBefore : args.beatBefore;
        if (run === undefined || run.ended_at !== null || (run.owner !== null && run.heartbeat_at >= before)) return undefined;
        await rewindSteps(tx, args.id);
        const change = { owner: args.owner, heartbeat_at: args.now, state: 'running' as const };
        await updateRun(tx, args.id, change);
        return { ...run, ...change };
      },
      { id, beatBefore, ownBefore: this.#options.clock.now() - this.#leaseMs, owner: this.#options.owner, now: this.#options.clock.now() },
    );
    return taken === undefined ? undefined : this.#start(taken);
  }

  #start(run: RunRow): RunExecution {
    this.#stalled.delete(run.id);
    const shared = {
      handlers: this.#handlers,
      underway: this.#underway,
      tell: (signal: PipelineSignal) => this.#tell(signal),
      stalled: (id: string, why: string) => void this.#stalled.set(id, why),
    };
    const execution = new RunExecution({ ...this.#options, ...shared }, run);
    this.#executions.set(run.id, execution);
    if (run.cancelled_by !== null) execution.stop('cancelled');
    void execution.finished.then(() => this.#executions.delete(run.id));
    return execution;
  }

  async #beat(): Promise<void> {
    const { store, clock, owner, log } = this.#options;
    try {
      if (this.#executions.size > 0) {
        const runs = [...this.#executions.keys()];
        for (const id of await store.write(beat, { owner, now: clock.now(), runs })) this.#executions.get(id)?.stop('cancelled');
        await this.#leaveLost();
      }
      if (!this.#closed) await this.#resume(clock.now() - this.#leaseMs);
    } catch (error) {
      log?.warn({ err: error }, 'the heartbeat of pipeline runs could not be written');
    }
  }

  /** Stops what another process has taken over, because this one was too slow to show that it lives. */
  async #leaveLost(): Promise<void> {
    for (const [id, execution] of this.#executions) {
      const run = await this.#options.store.read((db) => findRun(db, id));
      if (run?.owner !== this.#options.owner && run?.ended_at === null) execution.stop('lost');
    }
  }

  #rowsOf(submission: Submission): { readonly run: RunRow; readonly steps: readonly StepRow[] } {
    const { newId, clock, owner } = this.#options;
    const now = clock.now();
    const run: RunRow = {
      id: newId(),
      pipeline: submission.pipeline,
      state: 'running',
      reason: submission.reason,
      parameters: submission.parameters,
      fresh: submission.fresh ?? false,
      created_by: submission.by,
      created_at: now,
      ended_at: null,
      owner,
      heartbeat_at: now,
      cancelled_by: null,
    };
    const steps = submission.steps.map((plan, position): StepRow => ({
      id: newId(),
      pipeline_run: run.id,
      position,
      step: plan.name,
      kind: plan.kind,
      plan,
      state: 'waiting',
      attempt: 0,
      cache_key: null,
      reused_from: null,
      inputs: {},
      outputs: null,
      summary: null,
      error: null,
      log: [],
      started_at: null,
      ended_at: null,
    }));
    return { run, steps };
  }

  async #read(id: string): Promise<{ readonly run: RunRow; readonly steps: readonly StepRow[] }> {
    const found = await this.#options.store.read((db) => readRun(db, id));
    if (found !== undefined) return found;
    const newest = await this.#options.store.read((db) => listRuns(db, { limit: 2 }));
    const known = newest.map((run) => run.id).join(', ') || 'none';
    throw new GyreError('NOT_FOUND', `there is no pipeline run "${id}"; the newest: ${known}`, { run: id });
  }

  #withStall(run: PipelineRun): PipelineRun {
    const stalled = run.endedAt === undefined ? this.#stalled.get(run.id) : undefined;
    return stalled === undefined ? run : { ...run, stalled };
  }

  #tell(signal: PipelineSignal): void {
    for (const listener of this.#listeners) {
      try {
        listener(signal);
      } catch (error) {
        if (!hasCode(error, 'CANCELLED')) this.#options.log?.warn({ err: error }, 'somebody who watches pipeline runs failed');
      }
    }
  }
}

/** @throws GyreError INVALID_ARGUMENT */
function cursorOf(token: string): { readonly createdAt: number; readonly id: string } {
  const match = /^(\d+)\.(.+)$/.exec(token);
  if (match === null) throw new GyreError('INVALID_ARGUMENT', `"${token}" is no page token: take "next" of the page before`);
  return { createdAt: Number(match[1]), id: match[2] };
}
