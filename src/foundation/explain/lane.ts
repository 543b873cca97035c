import { Worker } from 'node:worker_threads';
import { fromPortable, GyreError, messageOf } from '#core';
import type { ExplainAnswerParts } from './exact.ts';
import type { LaneReply, LaneRequest } from './lane-messages.ts';
import type { ExplainJob, ModelParts } from './request.ts';

export interface ExplainLaneOptions {
  /** Requests that may wait behind the one that is explained. Default 16. */
  readonly maxQueued?: number;
  /** Models that stay loaded in the thread. Default 4. */
  readonly maxModels?: number;
}

/** What is asked of the lane. */
export interface LaneJob {
  /** Names the model; equal keys are equal models. */
  readonly key: string;
  /** Reads the model, where the thread does not have it yet. */
  readonly parts: () => Promise<ModelParts>;
  readonly job: ExplainJob;
  readonly timeoutMs: number;
}

interface Task extends LaneJob {
  readonly id: number;
  readonly givenUp: SharedArrayBuffer;
  readonly resolve: (answer: ExplainAnswerParts) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/** Beyond it a timer of Node's would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** A thread that explains, one request at a time, apart from those that predict. It starts with the first request. */
export class ExplainLane implements AsyncDisposable {
  readonly #maxQueued: number;
  readonly #maxModels: number;
  #queue: Task[] = [];
  #running: Task | undefined;
  /** Reads a model for the task that runs next. */
  #opening = false;
  #worker: Worker | undefined;
  /** Keys of models in the thread, the one used last at the end. */
  #models: string[] = [];
  #nextId = 0;
  #closed = false;
  readonly #ended = new Set<Promise<void>>();

  constructor({ maxQueued = 16, maxModels = 4 }: ExplainLaneOptions = {}) {
    this.#maxQueued = maxQueued;
    this.#maxModels = maxModels;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /**
   * Explains when the thread is free.
   * @throws GyreError RESOURCE_EXHAUSTED when too many requests wait; DEADLINE_EXCEEDED after `timeoutMs`; UNAVAILABLE when the thread died or the lane was
   *   closed; what `Explainer.explain` and `parts` throw
   */
  explain(asked: LaneJob): Promise<ExplainAnswerParts> {
    const { timeoutMs } = asked;
    if (this.#closed) return Promise.reject(closed());
    if (this.#queue.length >= this.#maxQueued) {
      const message = `${this.#queue.length} requests wait for an explanation already; try again later`;
      return Promise.reject(new GyreError('RESOURCE_EXHAUSTED', message, { queued: this.#queue.length }));
    }
    return new Promise((resolve, reject) => {
      const givenUp = new SharedArrayBuffer(4);
      const late = (): void => {
        const stage = this.#queue.includes(task) ? 'it waited for others' : 'it was being made';
        this.#queue = this.#queue.filter((each) => each !== task);
        // The thread looks at it between pieces of work, and goes on with the next request.
        Atomics.store(new Int32Array(givenUp), 0, 1);
        reject(new GyreError('DEADLINE_EXCEEDED', `not explained within ${Math.round(timeoutMs)} ms: then ${stage}`, { timeoutMs }));
      };
      const timer = setTimeout(late, Math.min(Math.max(0, timeoutMs), longestTimerMs));
      const task: Task = { ...asked, id: this.#nextId++, givenUp, resolve, reject, timer };
      this.#queue.push(task);
      void this.#next();
    });
  }

  async #next(): Promise<void> {
    if (this.#running !== undefined || this.#opening) return;
    const task = this.#queue.shift();
    if (task === undefined) return;
    this.#opening = true;
    try {
      const parts = this.#models.includes(task.key) ? undefined : await task.parts();
      if (this.#closed) throw closed();
      this.#running = task;
      this.#hand(task, parts);
    } catch (error) {
      this.#running = undefined;
      settle(task, () => task.reject(error));
    } finally {
      this.#opening = false;
    }
    if (this.#running === undefined) void this.#next();
  }

  #hand(task: Task, parts: ModelParts | undefined): void {
    const worker = (this.#worker ??= this.#start());
    const post = (request: LaneRequest): void => worker.postMessage(request);
    if (parts !== undefined) {
      const [oldest] = this.#models;
      if (this.#models.length >= this.#maxModels) {
        post({ kind: 'close', key: oldest });
        this.#models.shift();
      }
      post({ kind: 'open', key: task.key, parts });
    }
    this.#models = [...this.#models.filter((key) => key !== task.key), task.key];
    post({ kind: 'explain', id: task.id, key: task.key, job: task.job, givenUp: task.givenUp });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./lane-worker.ts', import.meta.url), { name: 'gyre-explain' });
    let death = 'it ended';
    worker.on('message', (reply: LaneReply) => {
      const task = this.#running;
      if (task === undefined || task.id !== reply.id) return;
      this.#running = undefined;
      settle(task, () => (reply.kind === 'answer' ? task.resolve(reply.answer) : task.reject(fromPortable(reply.error))));
      void this.#next();
    });
    worker.on('error', (error) => {
      death = messageOf(error);
    });
    const ended = new Promise<void>((resolve) => {
      worker.on('exit', () => {
        if (this.#worker === worker) {
          this.#worker = undefined;
          this.#models = [];
        }
        const task = this.#running;
        this.#running = undefined;
        if (task !== undefined)
          settle(task, () => task.reject(new GyreError('UNAVAILABLE', `the thread that explains died: ${death}; try again`)));
        resolve();
        void this.#next();
      });
    });
    this.#ended.add(ended);
    void ended.then(() => this.#ended.delete(ended));
    return worker;
  }

  /** Gives up what waits and what runs, and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const task of this.#queue.splice(0)) settle(task, () => task.reject(closed()));
    if (this.#running !== undefined) Atomics.store(new Int32Array(this.#running.givenUp), 0, 1);
    this.#worker?.postMessage({ kind: 'stop' } satisfies LaneRequest);
    await Promise.all(this.#ended);
  }
}

function settle(task: Task, how: () => void): void {
  clearTimeout(task.timer);
  how();
}

function closed(): GyreError {
  return new GyreError('UNAVAILABLE', 'explanations are closed: the data plane drains');
}
