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
 * @throws GyreError as `openSession`, and INVALID_ARGUMENT when `workers` is no whole number from 0 on
 */
export async function openSessionPool(source: Uint8Array | string, options: SessionPoolOptions): Promise<SessionPool> {
  const { workers, maxQueued = 1024, ...sessionOptions } = options;
  const bytes = await modelBytes(source);
  const signature = signatureOf(checkModel(bytes));
  const model = new SharedArrayBuffer(bytes.byteLength);
  new Uint8Array(model).set(bytes);
  const pool = new Pool({ model, options: sessionOptions }, signature, maxQueued);
  try {
    await pool.resize(workers);
  } catch (error) {
    await pool[Symbol.asyncDispose]();
    throw error;
  }
  return pool;
}

class Pool implements SessionPool {
  readonly #start: WorkerStart;
  readonly #signature: Signature;
  readonly #maxQueued: number;
  readonly #queue: Job[] = [];
  /** Threads that have loaded the model. */
  readonly #lanes = new Set<Lane>();
  /** Threads that are loading it. */
  readonly #starting = new Set<Lane>();
  /** Threads that finish what they were given and end. */
  readonly #leaving = new Set<Lane>();
  readonly #closing = new AbortController();
  #workers = 0;
  #restarts = 0;
  #workerBytes: number;

  constructor(start: WorkerStart, signature: Signature, maxQueued: number) {
    this.#start = start;
    this.#signature = signature;
    this.#maxQueued = maxQueued;
    this.#workerBytes = start.model.byteLength;
  }

  get workers(): number {
    return this.#workers;
  }

  get ready(): number {
    return this.#lanes.size;
  }

  get workerBytes(): number {
    return this.#workerBytes;
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

  async resize(workers: number): Promise<void> {
    if (!Number.isInteger(workers) || workers < 0) {
      throw new GyreError('INVALID_ARGUMENT', `a pool cannot have ${workers} workers: use 0 or more`, { workers });
    }
    if (this.#closing.signal.aborted) throw new GyreError('UNAVAILABLE', 'the session pool is closed');
    this.#workers = workers;
    const changes: Promise<void>[] = [];
    while (this.#alive < workers) changes.push(this.#startLane(0, true));
    while (this.#alive > workers) {
      const lane = this.#leastBusy();
      if (lane === undefined) break;
      changes.push(this.#dismiss(lane));
    }
    const failed = (await Promise.allSettled(changes)).find((change) => change.status === 'rejected');
    if (failed === undefined) return;
    this.#workers = Math.min(this.#workers, this.#lanes.size);
    throw failed.reason;
  }

  async run(feeds: Feeds, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    if (this.#closing.signal.aborted) throw new GyreError('UNAVAILABLE', 'the session pool is closed');
    requireFeeds(feeds, this.#signature);
    const outputs = requireOutputs(options.outputs, this.#signature);
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, Tensor>>();
    const job: Job = {
      feeds,
      outputs,
      transfer: options.transfer ?? false,
      alone: options.alone ?? false,
      onRan: options.onRan,
      resolve,
      reject,
    };
    const lane = this.#queue.length === 0 ? this.#freeLane(job) : undefined;
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
    await Promise.all([...this.#lanes, ...this.#starting, ...this.#leaving].map((lane) => lane.stop()));
  }

  get #alive(): number {
    return this.#lanes.size + this.#starting.size;
  }

  /** One that is loading before one that works: it has nothing to finish. */
  #leastBusy(): Lane | undefined {
    return this.#starting.values().next().value ?? [...this.#lanes].sort((one, other) => one.load - other.load)[0];
  }

  async #dismiss(lane: Lane): Promise<void> {
    this.#lanes.delete(lane);
    this.#starting.delete(lane);
    this.#leaving.add(lane);
    await lane.stop();
    this.#leaving.delete(lane);
  }

  /** The thread with the least to do, if one may take a run. */
  #freeLane({ alone }: Job): Lane | undefined {
    let free: Lane | undefined;
    for (const lane of this.#lanes) if (lane.load < (free?.load ?? (alone ? 1 : runsPerLane)) && !lane.isTaken) free = lane;
    return free;
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const [job] = this.#queue;
      const lane = this.#freeLane(job);
      if (lane === undefined) return;
      this.#queue.shift();
      lane.run(job);
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
        const wasStarting = this.#starting.delete(lane);
        const wasReady = this.#lanes.delete(lane);
        if (wasReady || (wasStarting && !first)) void this.#replace(answered ? 0 : deaths + 1);
      },
    );
    this.#starting.add(lane);
    let bytes: number;
    try {
      bytes = await lane.ready;
    } catch (error) {
      // Nobody needs it any more: that it ended is no failure.
      if (this.#leaving.has(lane)) return;
      throw error;
    }
    if (!this.#starting.delete(lane)) return;
    this.#workerBytes = Math.max(this.#workerBytes, bytes);
    this.#lanes.add(lane);
    this.#dispatch();
  }

  async #replace(deaths: number): Promise<void> {
    if (this.#closing.signal.aborted || this.#alive >= this.#workers) return;
    this.#restarts++;
    if (deaths > 1 && this.#alive === 0) {
      // Threads die as soon as they start: whoever waits is told so now, not after the delay.
      const error = new GyreError('UNAVAILABLE', 'no worker thread stays alive to run the model; try again later', { deaths });
      for (const job of this.#queue.splice(0)) job.reject(error);
    }
    const waitMs = deaths === 0 ? 0 : Math.min(longestRestartDelayMs, 50 * 2 ** deaths);
    try {
      await delay(waitMs, undefined, { signal: this.#closing.signal, ref: false });
      if (this.#alive < this.#workers) await this.#startLane(deaths, false);
    } catch {
      // Closed while it waited, or the new thread died while it loaded: its `onEnd` has asked for the next one.
    }
  }
}
