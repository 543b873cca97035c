import { setTimeout as sleep } from 'node:timers/promises';
import { GyreError, hasCode, isGyreError, messageOf } from '#core';
import { cacheKeyOf, dependenciesOf, resolveInputs } from './plan.ts';
import { findCached, readSteps } from './pipelines-store.ts';
import type { RunRow, RunState, StepRow, StepState } from './pipelines-store.ts';
import type { JsonObject, PipelineSignal, PipelinesOptions, StepContext, StepHandler } from './port.ts';
import { keptLines, runRecords } from './run-records.ts';
import type { RunRecords } from './run-records.ts';

/** A step that was started so often and never came to an end takes its process down each time. */
const mostStarts = 25;
const longestBackoffMs = 30_000;
/** Errors that may be gone at the next try. What has another code will be as wrong then as it is now. */
const passing = ['UNAVAILABLE', 'ABORTED', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED'];
const done: readonly StepState[] = ['succeeded', 'cached'];

export type StopReason = 'cancelled' | 'closing' | 'lost';

export interface ExecutionDeps extends PipelinesOptions {
  readonly handlers: ReadonlyMap<string, StepHandler>;
  readonly tell: (signal: PipelineSignal) => void;
  /** Told why a run stopped without an end on record. */
  readonly stalled: (run: string, why: string) => void;
  /** Cacheable steps that this process executes now: cache key → settles, and never rejects, when one has come to its end. */
  readonly underway: Map<string, Promise<void>>;
}

/** One run, as this process executes it. */
export class RunExecution {
  readonly #deps: ExecutionDeps;
  readonly #run: RunRow;
  readonly #records: RunRecords;
  readonly #stop = new AbortController();
  readonly #finished: Promise<void>;
  #steps: StepRow[] = [];
  #reason: StopReason | undefined;

  constructor(deps: ExecutionDeps, run: RunRow) {
    this.#deps = deps;
    this.#run = run;
    this.#records = runRecords(deps, run);
    this.#finished = this.#execute();
  }

  /** Settles when the run has ended here, in whatever way; never rejects. */
  get finished(): Promise<void> {
    return this.#finished;
  }

  /** Lets running steps know that they should stop. */
  stop(reason: StopReason): void {
    this.#reason ??= reason;
    this.#stop.abort(new GyreError('CANCELLED', reason === 'cancelled' ? 'the pipeline run was cancelled' : 'this process stops'));
  }

  async #execute(): Promise<void> {
    try {
      this.#steps = await this.#deps.store.read((db) => readSteps(db, [this.#run.id]));
      await this.#runSteps();
      if (this.#reason === 'closing') await this.#records.released();
      else if (this.#reason !== 'lost') await this.#end();
    } catch (error) {
      // Not written: another owner has the run (fine), or the store is away; then the heartbeat stops, and whoever comes next resumes it.
      if (hasCode(error, 'ABORTED')) return;
      this.#deps.log?.error({ err: error, pipelineRun: this.#run.id }, 'a pipeline run could not go on');
      this.#deps.stalled(this.#run.id, messageOf(error));
    }
  }

  /** Starts what is ready, up to the limit, whenever a step has come to its end. */
  async #runSteps(): Promise<void> {
    const running = new Map<string, Promise<void>>();
    let failure: Error | undefined;
    for (;;) {
      if (this.#reason === undefined) await this.#skipBlocked();
      const ready =
        failure === undefined && this.#reason === undefined
          ? this.#steps.filter((step) => !running.has(step.id) && this.#isReady(step))
          : [];
      for (const step of ready.slice(0, Math.max(0, (this.#deps.parallel ?? 2) - running.size))) {
        const work = this.#runStep(step)
          .catch((error: unknown) => {
            failure ??= error instanceof Error ? error : new Error(String(error));
          })
          .finally(() => running.delete(step.id));
        running.set(step.id, work);
      }
      if (running.size === 0) break;
      await Promise.race(running.values());
    }
    if (failure !== undefined) throw failure;
  }

  #isReady(step: StepRow): boolean {
    return step.state === 'waiting' && dependenciesOf(step.plan).every((name) => done.includes(this.#named(name)?.state ?? 'waiting'));
  }

  #named(name: string): StepRow | undefined {
    return this.#steps.find(({ step }) => step === name);
  }

  async #skipBlocked(): Promise<void> {
    for (const step of this.#steps.filter(({ state }) => state === 'waiting')) {
      const blocker = dependenciesOf(step.plan).find((name) => ['failed', 'skipped', 'cancelled'].includes(this.#named(name)?.state ?? ''));
      if (blocker !== undefined) await this.#endStep(step, 'skipped', `step "${blocker}" did not succeed`, []);
    }
  }

  async #runStep(step: StepRow): Promise<void> {
    const handler = this.#deps.handlers.get(step.kind);
    if (handler === undefined)
      return this.#endStep(step, 'failed', `nothing executes steps of kind "${step.kind}" in this version of Gyre`, step.log);
    let inputs: JsonObject;
    try {
      inputs = resolveInputs(step.plan, new Map(this.#steps.map((other) => [other.step, other.outputs ?? {}])));
    } catch (error) {
      return this.#endStep(step, 'failed', messageOf(error), step.log);
    }
    const cacheKey = handler.cacheable ? cacheKeyOf(step.plan, handler.version, inputs) : null;
    if (cacheKey === null || this.#run.fresh) return this.#runTries(step, handler, inputs, cacheKey);
    // A run that was taken up after a crash and the same one asked for anew would do everything twice, and leave two model versions.
    const { underway } = this.#deps;
    for (let other = underway.get(cacheKey); other !== undefined; other = underway.get(cacheKey)) {
      await Promise.race([other, stopped(this.#stop.signal)]);
      if (this.#reason !== undefined) return;
    }
    const work = this.#reuseOrRun(step, handler, inputs, cacheKey);
    underway.set(
      cacheKey,
      work.catch(() => undefined),
    );
    try {
      await work;
    } finally {
      underway.delete(cacheKey);
    }
  }

  async #reuseOrRun(step: StepRow, handler: StepHandler, inputs: JsonObject, cacheKey: string): Promise<void> {
    const earlier = await this.#findReusable(cacheKey, handler);
    if (earlier === undefined) return this.#runTries(step, handler, inputs, cacheKey);
    await this.#records.cached(step, earlier, inputs, cacheKey);
    this.#changed(step, { state: 'cached', outputs: earlier.outputs, summary: earlier.summary });
  }

  async #runTries(step: StepRow, handler: StepHandler, inputs: JsonObject, cacheKey: string | null): Promise<void> {
    for (;;) {
      if (step.attempt >= mostStarts) {
        return this.#endStep(step, 'failed', `was started ${step.attempt} times, and its process ended each time before it did`, step.log);
      }
      const retryAfterMs = await this.#tryOnce(step, handler, inputs, cacheKey);
      if (retryAfterMs === undefined) return;
      await sleep(retryAfterMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      if (this.#reason !== undefined) return;
    }
  }

  /** @returns how long to wait before the next try; undefined when the step has come to its end */
  async #tryOnce(step: StepRow, handler: StepHandler, inputs: JsonObject, cacheKey: string | null): Promise<number | undefined> {
    await this.#records.started(step, inputs, cacheKey);
    this.#changed(step, { state: 'running', attempt: step.attempt + 1, inputs });
    const log = [...step.log];
    try {
      const result = await handler.run(this.#contextOf(step, inputs, log));
      await this.#records.succeeded(step, result, log);
      this.#changed(step, { state: 'succeeded', outputs: result.outputs, summary: result.summary, log });
      return undefined;
    } catch (error) {
      if (this.#reason === 'closing' || this.#reason === 'lost') return undefined;
      if (this.#reason === 'cancelled') await this.#endStep(step, 'cancelled', 'cancelled', log);
      else if (hasCode(error, 'ABORTED') && error.details['run'] === this.#run.id) throw error;
      else if (step.attempt <= (step.plan.retries ?? 0) && mayPass(error)) {
        await this.#records.rewound(step, error, log);
        this.#changed(step, { state: 'waiting', error: messageOf(error), log });
        return Math.min(longestBackoffMs, (this.#deps.backoffMs ?? 500) * 2 ** (step.attempt - 1));
      } else {
        if (!isGyreError(error))
          this.#deps.log?.error({ err: error, pipelineRun: this.#run.id, step: step.step }, 'a step failed unexpectedly');
        await this.#endStep(step, 'failed', messageOf(error), log);
      }
      return undefined;
    }
  }

  #contextOf(step: StepRow, inputs: JsonObject, log: string[]): StepContext {
    const where = { pipelineRun: this.#run.id, step: step.step };
    return {
      ...where,
      stepRun: step.id,
      attempt: step.attempt,
      by: this.#run.created_by,
      parameters: step.plan.parameters,
      inputs,
      ...(step.plan.seed === undefined ? {} : { seed: step.plan.seed }),
      fresh: this.#run.fresh,
      signal: this.#stop.signal,
      log: (line) => {
        log.push(line);
        if (log.length > keptLines) log.shift();
        this.#deps.tell({ kind: 'log', ...where, line });
      },
      progress: (amount, total, message) => this.#deps.tell({ kind: 'progress', ...where, done: amount, total, message }),
    };
  }

  async #findReusable(cacheKey: string, handler: StepHandler): Promise<StepRow | undefined> {
    for (const candidate of await this.#deps.store.read((db) => findCached(db, cacheKey))) {
      const there =
        handler.stillThere === undefined || (await handler.stillThere(candidate.outputs ?? {}, this.#run.id).catch(() => false));
      if (there) return candidate;
    }
    return undefined;
  }

  async #endStep(step: StepRow, state: 'failed' | 'cancelled' | 'skipped', error: string | null, log: readonly string[]): Promise<void> {
    await this.#records.ended(step, state, error, log);
    this.#changed(step, { state, error });
  }

  async #end(): Promise<void> {
    for (const step of this.#steps.filter(({ state }) => state === 'waiting' || state === 'running'))
      await this.#endStep(step, 'cancelled', 'cancelled', step.log);
    const failed = this.#steps.some(({ state }) => state === 'failed' || state === 'skipped');
    const state: RunState = this.#reason === 'cancelled' ? 'cancelled' : failed ? 'failed' : 'succeeded';
    await this.#records.runEnded(state);
    this.#deps.tell({ kind: 'run', pipelineRun: this.#run.id, state });
  }

  #changed(step: StepRow, change: Partial<StepRow>): void {
    Object.assign(step, change);
    const { state, attempt, summary, error } = step;
    this.#deps.tell({
      kind: 'step',
      pipelineRun: this.#run.id,
      step: step.step,
      state,
      attempt,
      ...(summary === null ? {} : { summary }),
      ...(error === null ? {} : { error }),
    });
  }
}

function mayPass(error: unknown): boolean {
  return isGyreError(error) ? passing.includes(error.code) : true;
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
