import { GyreError, hasCode } from '#core';
import type { Feeds, RunOptions, Tensor, WorkerRun } from '#onnx';
import type { RunTimes } from './model-statistics.ts';
import { sliceRows, stackRows } from './tensor-rows.ts';
import type { RowRange } from './tensor-rows.ts';

/** Output tensors by output name. */
export type Outputs = Readonly<Record<string, Tensor>>;

export interface BatcherOptions {
  /** @param isLone whether it is one request, and none waits behind it */
  readonly run: (feeds: Feeds, options: RunOptions, isLone: boolean) => Promise<Outputs>;
  /** Names of the model's inputs. */
  readonly inputs: readonly string[];
  /** Runs that may go at once: 1 for an inline session, the number of workers for a pool, 0 while the model is not loaded. */
  readonly slots: () => number;
  /** Full runs that may be given ahead of time, so that no thread is idle between two; default none. */
  readonly ahead?: () => number;
  /** Rows that one run may take; a request with more is cut into several runs. Infinity: every request runs alone and whole. */
  readonly maxRows: () => number;
  /** False when rows depend on each other or the model has no row axis: requests then never share a run. */
  readonly joinRequests: boolean;
  /** How long a run waits for more rows than there are, in milliseconds; default: not at all. */
  readonly maxDelayMs?: number;
  /** Requests that may wait. */
  readonly maxQueued: () => number;
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
  /** Told of every run that succeeded: its rows, how many requests they came from, and how long it took. */
  readonly onBatch?: (rows: number, requests: number, times: RunTimes) => void;
  /** Told when a request must wait because no more runs may go, and how long the first of them has waited. */
  readonly onWaiting?: (waitedMs: number) => void;
}

/** What came of one request. */
export interface Ran {
  readonly outputs: Outputs;
  /** From when it was submitted to its first run, and on the way to its thread. */
  readonly queuedMs: number;
  /** Its last run. */
  readonly batch: BatchRun;
}

/** A run, and whose it was. */
export interface BatchRun {
  readonly rows: number;
  readonly requests: number;
  /** The worker thread that ran it; undefined: it ran on the thread that answers, or elsewhere. */
  readonly worker: WorkerRun | undefined;
}

interface Job {
  readonly feeds: Feeds;
  readonly rows: number;
  readonly parts: Outputs[];
  readonly resolve: (ran: Ran) => void;
  readonly reject: (error: unknown) => void;
  /** Rows that were handed to a run, and in how many runs. */
  taken: number;
  runs: number;
  readonly submittedMs: number;
  startedMs: number;
  /** Runs that have not come back. */
  open: number;
  failed: boolean;
  timer?: NodeJS.Timeout;
}

/** Rows of one request inside a run. */
interface Piece {
  readonly job: Job;
  readonly from: number;
  readonly to: number;
  /** Which part of the job's answer these rows are. */
  readonly part: number;
}

/**
 * Micro-batching without a timer: whenever the executor is free it takes what is queued, up to a cap. Under no load a request runs at
 * once and alone; under load batches grow by themselves. Each request gets back exactly its own rows; when a shared run fails because of
 * values, its requests are run again one by one, so that only the one at fault fails. What a worker or process took with it when it died is run once more.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  #queue: Job[] = [];
  #running = 0;
  #scheduled = false;
  /** Runs when the run that waits for more rows has waited long enough. */
  #held: NodeJS.Timeout | undefined;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Runs the model on one request's rows.
   * @param rows size of the first axis of all feeds (1 for a model without a row axis)
   * @param timeoutMs how long the caller waits at most; what runs then runs on, for nobody
   * @throws GyreError RESOURCE_EXHAUSTED when too many requests wait, DEADLINE_EXCEEDED after `timeoutMs`, and what `Session.run` throws
   */
  submit(feeds: Feeds, rows: number, timeoutMs?: number): Promise<Ran> {
    if (this.#queue.length >= this.#options.maxQueued()) {
      const message = `${this.#queue.length} requests wait for this model already; try again later`;
      return Promise.reject(new GyreError('RESOURCE_EXHAUSTED', message, { queued: this.#queue.length }));
    }
    return new Promise((resolve, reject) => {
      const submittedMs = this.#options.elapsed();
      const job: Job = {
        feeds,
        rows,
        parts: [],
        resolve,
        reject,
        taken: 0,
        runs: 0,
        open: 0,
        failed: false,
        submittedMs,
        startedMs: submittedMs,
      };
      if (timeoutMs !== undefined) limit(job, timeoutMs);
      this.#queue.push(job);
      this.#schedule();
    });
  }

  /** What waits fails with this. */
  reject(error: unknown): void {
    for (const job of this.#queue.splice(0)) fail(job, error);
  }

  /** After the poll phase: by then every request that had arrived on any socket is in the queue. */
  #schedule(): void {
    if (this.#scheduled) return;
    if (!this.#mayRun) {
      this.press();
      return;
    }
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.pump();
    });
  }

  get #mayRun(): boolean {
    const { slots, ahead, maxRows } = this.#options;
    const now = slots();
    if (this.#running < now) return true;
    return ahead !== undefined && this.#running < now + ahead() && this.#hasRows(maxRows());
  }

  #hasRows(wanted: number): boolean {
    let rows = 0;
    for (const job of this.#queue) {
      rows += job.failed ? 0 : job.rows - job.taken;
      if (rows >= wanted) return true;
    }
    return false;
  }

  /** Says again how long the first request has waited, if one waits. */
  press(): void {
    const [first] = this.#queue;
    if (first !== undefined) this.#options.onWaiting?.(this.#options.elapsed() - first.submittedMs);
  }

  /** Runs what may go now: to be called when there are more slots than before. */
  pump(): void {
    while (this.#queue.length > 0 && this.#mayRun) {
      const holdMs = this.#holdMs();
      if (holdMs > 0) {
        this.#held ??= setTimeout(() => {
          this.#held = undefined;
          this.pump();
        }, holdMs);
        return;
      }
      clearTimeout(this.#held);
      this.#held = undefined;
      const pieces = this.#take();
      if (pieces.length === 0) continue;
      this.#running += 1;
      void this.#execute(pieces).finally(() => {
        this.#running -= 1;
        this.pump();
      });
    }
    if (this.#queue.length > 0) this.press();
  }

  /** How long the next run waits for more rows, where it may. */
  #holdMs(): number {
    const { maxDelayMs = 0, joinRequests, elapsed } = this.#options;
    if (maxDelayMs === 0 || !joinRequests) return 0;
    if (this.#hasRows(this.#options.maxRows())) return 0;
    return this.#queue[0].submittedMs + maxDelayMs - elapsed();
  }

  /** What runs next: whole requests while they fit, shared evenly among the slots that are free; one larger than the cap alone, piece by piece. */
  #take(): Piece[] {
    const { joinRequests } = this.#options;
    const maxRows = this.#options.maxRows();
    const mostJoined = Math.min(maxRows, this.#evenShare());
    const pieces: Piece[] = [];
    let rows = 0;
    let used = 0;
    const nowMs = this.#options.elapsed();
    for (const job of this.#queue) {
      if (job.failed) {
        used += 1;
        continue;
      }
      const left = job.rows - job.taken;
      const count = Math.min(left, maxRows);
      if (pieces.length > 0 && (!joinRequests || rows + count > mostJoined)) break;
      pieces.push({ job, from: job.taken, to: job.taken + count, part: job.runs });
      if (job.runs === 0) job.startedMs = nowMs;
      job.taken += count;
      job.runs += 1;
      job.open += 1;
      rows += count;
      if (job.taken < job.rows) break;
      used += 1;
    }
    this.#queue = this.#queue.slice(used);
    return pieces;
  }

  /** Rows for each slot that is free: one that took all that waits would leave the others idle. */
  #evenShare(): number {
    const free = this.#options.slots() - this.#running;
    if (free <= 1) return Number.POSITIVE_INFINITY;
    let rows = 0;
    for (const job of this.#queue) rows += job.failed ? 0 : job.rows - job.taken;
    return Math.max(1, Math.ceil(rows / free));
  }

  async #execute(pieces: readonly Piece[], isRepeated = false): Promise<void> {
    const { elapsed, onBatch } = this.#options;
    const rows = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
    const beganMs = elapsed();
    let startedMs = beganMs;
    let outputs: Outputs;
    let worker: WorkerRun | undefined;
    try {
      const { feeds, own } = this.#feedsOf(pieces);
      startedMs = elapsed();
      // Arrays that were made for this run alone: a pool may take them.
      const isLone = pieces.length === 1 && this.#queue.length === 0;
      // What was in a worker that died may be why it died.
      outputs = await this.#options.run(feeds, { transfer: own, alone: isRepeated, onRan: (run) => (worker = run) }, isLone);
    } catch (error) {
      // Values that are refused, or that a run never ends on: one by one, since others are not at fault.
      const isValues = pieces.length > 1 && (hasCode(error, 'INVALID_ARGUMENT') || hasCode(error, 'DEADLINE_EXCEEDED'));
      // A worker died: one by one, since one of them may be why.
      if (isValues || (!isRepeated && hasCode(error, 'UNAVAILABLE'))) {
        for (const piece of pieces) if (!piece.job.failed) await this.#execute([piece], isRepeated || !isValues);
        return;
      }
      for (const { job } of pieces) fail(job, error);
      return;
    }
    const ranMs = elapsed();
    const inferMs = worker === undefined ? ranMs - startedMs : worker.endedMs - worker.startedMs;
    // Not the way back: a thread that is slow to hear of its answer has not let the request wait.
    const waitedMs = worker === undefined ? 0 : Math.min(Math.max(0, worker.startedMs - startedMs), ranMs - startedMs - inferMs);
    const batch = { rows, requests: pieces.length, worker };
    let at = 0;
    for (const piece of pieces) {
      const count = piece.to - piece.from;
      // A lone request keeps the outputs as they are: they may have no row axis.
      const own = pieces.length === 1 ? outputs : mapTensors(outputs, (tensor) => sliceRows(tensor, at, at + count));
      settle(piece, own, batch, waitedMs);
      at += count;
    }
    onBatch?.(rows, pieces.length, {
      inputMs: startedMs - beganMs,
      inferMs,
      outputMs: elapsed() - ranMs,
      ...(worker === undefined ? undefined : { computedMs: worker.computedMs }),
    });
  }

  /** @returns what runs, and whether its arrays are nobody else's */
  #feedsOf(pieces: readonly Piece[]): { readonly feeds: Feeds; readonly own: boolean } {
    const [only] = pieces;
    if (pieces.length === 1 && only.from === 0 && only.to === only.job.rows) return { feeds: only.job.feeds, own: false };
    const feeds: Record<string, Tensor> = {};
    for (const name of this.#options.inputs) {
      feeds[name] = stackRows(pieces.map(({ job, from, to }): RowRange => ({ tensor: job.feeds[name], from, to })));
    }
    return { feeds, own: true };
  }
}

function fail(job: Job, error: unknown): void {
  job.failed = true;
  clearTimeout(job.timer);
  job.reject(error);
}

function limit(job: Job, timeoutMs: number): void {
  const late = (): void => {
    const stage = job.runs === 0 ? 'it waited for the model' : 'the model ran';
    fail(job, new GyreError('DEADLINE_EXCEEDED', `not answered within ${Math.round(timeoutMs)} ms: then ${stage}`, { timeoutMs }));
  };
  job.timer = setTimeout(late, Math.min(Math.max(0, timeoutMs), longestTimerMs));
}

/** Beyond it a timer of Node's would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** @param waitedMs how long its last run waited for the thread that ran it */
function settle(piece: Piece, outputs: Outputs, batch: BatchRun, waitedMs: number): void {
  const { job } = piece;
  job.open -= 1;
  job.parts[piece.part] = outputs;
  if (job.failed || job.open > 0 || job.taken < job.rows) return;
  clearTimeout(job.timer);
  const queuedMs = job.startedMs - job.submittedMs + waitedMs;
  if (job.parts.length === 1) {
    job.resolve({ outputs: job.parts[0], queuedMs, batch });
    return;
  }
  const [first] = job.parts;
  const whole: Record<string, Tensor> = {};
  for (const name of Object.keys(first)) {
    whole[name] = stackRows(job.parts.map((part): RowRange => ({ tensor: part[name], from: 0, to: part[name].shape[0] })));
  }
  job.resolve({ outputs: whole, queuedMs, batch });
}

function mapTensors(outputs: Outputs, change: (tensor: Tensor) => Tensor): Outputs {
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, change(tensor)]));
}
