import { setTimeout as delay } from 'node:timers/promises';
import { GyreError } from '#core';
import { checkModel } from './check.ts';
import { requireFeeds, requireOutputs, signatureOf } from './feeds.ts';
import type { Signature } from './feeds.ts';
import { Lane } from './pool-lane.ts';
import type { Job } from './pool-lane.ts';
import type { WorkerStart } from './pool-messages.ts';
import { modelBytes } from './session.ts';
import type { Feeds, RunOptions, SessionPool, SessionPoolOptions, SessionValue } from './session-types.ts';
import type { Tensor } from './tensor.ts';

/** Runs that one thread is given at a time: the second waits in its mailbox, so that the thread is never idle between two. */
const runsPerLane = 2;
/** A thread that dies again and again is started after 0, 100, 200, 400, … ms, at most this. */
const longestRestartDelayMs = 5_000;

/**
 * Loads a model into worker threads and spreads runs over them; the calling thread only validates feeds.
 * A run is never split, so an answer has the same bytes whatever the number of workers.
 * A thread that dies is started again: the runs it had are answered UNAVAILABLE, those that were waiting go to the next free thread.
 * Close it before `process.exit()`: a thread that Node stops inside the native runtime aborts the process (SIGABRT, from Napi::Error).
 * @param source the model's bytes, or the path of a file that holds them
 * @throws GyreError as `openSession`, and INVALID_ARGUMENT when `workers` is no whole number from 1 on
 */
export async function openSessionPool(source: Uint8Array | string, options: SessionPoolOptions): Promise<SessionPool> {
  const { workers, intraOpThreads = 1, maxQueued = 1024 } = options;
  if (!Number.isInteger(workers) || workers < 1) {
    throw new GyreError('INVALID_ARGUMENT', `a pool of ${workers} workers cannot be opened: use 1 or more`, { workers });
  }
  const bytes = await modelBytes(source);
  const signature = signatureOf(checkModel(bytes));
  const model = new SharedArrayBuffer(bytes.byteLength);
  new Uint8Array(model).set(bytes);
  const pool = new Pool({ model, intraOpThreads }, signature, workers, maxQueued);
  try {
    await pool.ready();
  } catch (error) {
    await pool[Symbol.asyncDispose]();
    throw error;
  }
  return pool;
}

class Pool implements SessionPool {
  readonly workers: number;
  readonly #start: WorkerStart;
  readonly #signature: Signature;
  readonly #maxQueued: number;
  readonly #queue: Job[] = [];
  /** Threads that have loaded the model. */
  readonly #lanes = new Set<Lane>();
  /** Threads that are loading it. */
  readonly #starting = new Set<Lane>();
  readonly #closing = new AbortController();
  readonly #firstStarts: Promise<void>[];
  #restarts = 0;

  constructor(start: WorkerStart, signature: Signature, workers: number, maxQueued: number) {
    this.#start = start;
    this.#signature = signature;
    this.#maxQueued = maxQueued;
    this.workers = workers;
    this.#firstStarts = Array.from({ length: workers }, () => this.#startLane(0, true));
  }

  get inputs(): readonly SessionValue[] {
    return this.#signature.inputs;
  }

  get outputs(): readonly SessionValue[] {
    return this.#signature.outputs;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Settles when every thread has loaded the model. */
  async ready(): Promise<void> {
    const failed = (await Promise.allSettled(this.#firstStarts)).find((start) => start.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    if (this.#closing.signal.aborted) throw new GyreError('UNAVAILABLE', 'the session pool is closed');
    requireFeeds(feeds, this.#signature);
    const outputs = requireOutputs(options.outputs, this.#signature);
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, Tensor>>();
    const job: Job = { feeds, outputs, transfer: options.transfer ?? false, resolve, reject };
    const lane = this.#freeLane();
    if (lane !== undefined) lane.run(job);
    else if (this.#queue.length >= this.#maxQueued) {
      throw new GyreError('RESOURCE_EXHAUSTED', `${this.#maxQueued} runs are waiting for a worker already: try again later`, {
        maxQueued: this.#maxQueued,
      });
    } else this.#queue.push(job);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const closed = new GyreError('UNAVAILABLE', 'the session pool was closed before the run began');
    for (const job of this.#queue.splice(0)) job.reject(closed);
    await Promise.all([...this.#lanes, ...this.#starting].map((lane) => lane.stop()));
  }

  /** The thread with the least to do, if one may take a run. */
  #freeLane(): Lane | undefined {
    let free: Lane | undefined;
    for (const lane of this.#lanes) if (lane.load < (free?.load ?? runsPerLane)) free = lane;
    return free;
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const lane = this.#freeLane();
      if (lane === undefined) return;
      const job = this.#queue.shift();
      if (job !== undefined) lane.run(job);
    }
  }

  /** @param deaths how many threads died one after the other without answering anything; @param first whether a failure is thrown, not repaired */
  async #startLane(deaths: number, first: boolean): Promise<void> {
    let answered = false;
    const lane = new Lane(
      this.#start,
      () => {
        answered = true;
        this.#dispatch();
      },
      () => {
        this.#starting.delete(lane);
        const wasReady = this.#lanes.delete(lane);
        if (wasReady || !first) void this.#replace(answered ? 0 : deaths + 1);
      },
    );
    this.#starting.add(lane);
    await lane.ready;
    this.#starting.delete(lane);
    this.#lanes.add(lane);
    this.#dispatch();
  }

  async #replace(deaths: number): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#restarts++;
    if (deaths > 1 && this.#lanes.size === 0 && this.#starting.size === 0) {
      // Threads die as soon as they start: whoever waits is told so now, not after the delay.
      const error = new GyreError('UNAVAILABLE', 'no worker thread stays alive to run the model; try again later', { deaths });
      for (const job of this.#queue.splice(0)) job.reject(error);
    }
    const waitMs = deaths === 0 ? 0 : Math.min(longestRestartDelayMs, 50 * 2 ** deaths);
    try {
      await delay(waitMs, undefined, { signal: this.#closing.signal, ref: false });
      await this.#startLane(deaths, false);
    } catch {
      // Closed while it waited, or the new thread died while it loaded: its `onEnd` has asked for the next one.
    }
  }
}
