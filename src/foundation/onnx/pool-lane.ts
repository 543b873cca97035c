import { Worker } from 'node:worker_threads';
import { fromPortable, GyreError, messageOf, steadyMs } from '#core';
import { parcel } from './pool-messages.ts';
import type { PoolRequest, WorkerReply, WorkerStart } from './pool-messages.ts';
import type { Feeds, RunOptions } from './session-types.ts';
import type { Tensor } from './tensor.ts';

/** A run that waits for its answer. */
export interface Job {
  readonly feeds: Feeds;
  readonly outputs: readonly string[];
  readonly transfer: boolean;
  /** Whether its thread is given nothing else. */
  readonly alone: boolean;
  readonly onRan: RunOptions['onRan'] | undefined;
  readonly resolve: (outputs: Record<string, Tensor>) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker thread, from its start to its end. It never comes back: the pool replaces it. */
export class Lane {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Job>();
  readonly #ready = Promise.withResolvers<number>();
  readonly #ended = Promise.withResolvers<void>();
  #nextId = 0;
  #death = 'it ended';
  #stopping = false;

  /** @param onIdle called after each answer; @param onEnd called once when the thread has ended, after its jobs were answered UNAVAILABLE */
  constructor(start: WorkerStart, onIdle: () => void, onEnd: () => void) {
    this.#worker = new Worker(new URL('./pool-worker.ts', import.meta.url), { workerData: start, name: 'gyre-onnx' });
    this.#worker.on('message', (reply: WorkerReply) => {
      this.#take(reply);
      if (reply.kind === 'answer' || reply.kind === 'failure') onIdle();
    });
    this.#worker.on('error', (error) => {
      this.#death = messageOf(error);
    });
    this.#worker.on('exit', () => {
      const error = new GyreError('UNAVAILABLE', `the worker thread that ran the model died: ${this.#death}; try again`);
      this.#ready.reject(error);
      for (const job of this.#pending.values()) job.reject(error);
      this.#pending.clear();
      this.#ended.resolve();
      onEnd();
    });
    // Who waits for `ready` sees the failure; without a reader it must not end the process.
    this.#ready.promise.catch(() => {});
  }

  /** By how many bytes the process grew when the model was loaded. @throws GyreError what the runtime said, or UNAVAILABLE when the thread died */
  get ready(): Promise<number> {
    return this.#ready.promise;
  }

  /** How many runs it was given and has not answered. */
  get load(): number {
    return this.#pending.size;
  }

  /** Whether one of them is to be alone. */
  get isTaken(): boolean {
    for (const { alone } of this.#pending.values()) if (alone) return true;
    return false;
  }

  run(job: Job): void {
    const id = this.#nextId++;
    try {
      const { tensors, transfer } = parcel(job.feeds, job.transfer);
      this.#pending.set(id, job);
      this.#post({ kind: 'run', id, feeds: tensors, outputs: job.outputs }, transfer);
    } catch (error) {
      this.#pending.delete(id);
      job.reject(
        new GyreError('INVALID_ARGUMENT', `the feeds cannot be sent to a worker thread: ${messageOf(error)}`, {}, { cause: error }),
      );
    }
  }

  /** Lets the thread finish what it was given, release the model and end. */
  async stop(): Promise<void> {
    if (!this.#stopping) this.#post({ kind: 'stop' }, []);
    this.#stopping = true;
    this.#death = 'the session is closed';
    await this.#ended.promise;
  }

  #post(request: PoolRequest, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(request, transfer);
  }

  #take(reply: WorkerReply): void {
    if (reply.kind === 'ready') {
      this.#ready.resolve(reply.bytes);
      return;
    }
    if (reply.kind === 'refused') {
      this.#ready.reject(fromPortable(reply.error));
      return;
    }
    const job = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (reply.kind === 'answer') {
      const { startedMs, endedMs, computedMs } = reply.times;
      const beganMs = steadyMs() - performance.now();
      job?.onRan?.({ thread: this.#worker.threadId, startedMs: startedMs - beganMs, endedMs: endedMs - beganMs, computedMs });
      job?.resolve(reply.outputs);
    } else job?.reject(fromPortable(reply.error));
  }
}
