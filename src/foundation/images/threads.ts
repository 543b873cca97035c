import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GyreError } from '#core';
import { usualLimits } from './decode.ts';
import type { ImageLimits } from './decode.ts';
import type { Raster } from './raster.ts';
import type { ResizeTarget } from './resize.ts';
import type { FileRead, ImageFacts, ThreadJob, ThreadReply, ThreadRequest } from './thread-messages.ts';

/** Reads and examines images in worker threads. Closing it waits until none is in the middle of a job; what they had is answered UNAVAILABLE. */
export interface ImageThreads extends AsyncDisposable {
  /** How many jobs are worth giving it at once. */
  readonly width: number;
  /**
   * Reads a file with its digests.
   * @throws GyreError NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED (beyond the limit of bytes), FAILED_PRECONDITION (it keeps changing)
   */
  read(path: string): Promise<FileRead>;
  examine(bytes: Uint8Array): Promise<ImageFacts>;
  /**
   * Decodes and resizes by the function that `imageFunction` names: the pixels that training and serving give to models.
   * @throws GyreError as `decodeImage` and `resizeRaster`
   */
  pixels(bytes: Uint8Array, target: ResizeTarget): Promise<Raster>;
}

/** A thread decodes one picture while it reads the next ones. */
const jobsPerThread = 4;

/** @param options.threads from 1 on @throws GyreError UNAVAILABLE when a thread does not start */
export async function openImageThreads(options: { readonly threads: number; readonly limits?: ImageLimits }): Promise<ImageThreads> {
  const threads = new Threads(options.threads, { ...usualLimits, ...options.limits });
  try {
    await threads.started();
  } catch (cause) {
    await threads[Symbol.asyncDispose]();
    throw new GyreError('UNAVAILABLE', 'a thread for images could not be started', {}, { cause });
  }
  return threads;
}

interface Waiting {
  readonly worker: Worker;
  readonly resolve: (reply: ThreadReply) => void;
  readonly reject: (error: GyreError) => void;
}

type Job = ThreadJob extends infer J ? (J extends unknown ? Omit<J, 'id'> : never) : never;

class Threads implements ImageThreads {
  readonly width: number;
  readonly #workers: readonly Worker[];
  readonly #load = new Map<Worker, number>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #limits: Required<ImageLimits>;
  #next = 0;

  constructor(count: number, limits: Required<ImageLimits>) {
    this.#limits = limits;
    this.width = count * jobsPerThread;
    this.#workers = Array.from({ length: count }, () => this.#start());
  }

  async started(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => once(worker, 'online')));
  }

  async read(path: string): Promise<FileRead> {
    const reply = await this.#ask({ kind: 'read', path, maxBytes: this.#limits.bytes });
    if (reply.kind === 'read') return reply.file;
    throw new GyreError('INTERNAL', `a thread answered ${reply.kind} to a read`);
  }

  async examine(bytes: Uint8Array): Promise<ImageFacts> {
    const reply = await this.#ask({ kind: 'examine', bytes, limits: this.#limits });
    if (reply.kind === 'facts') return reply.facts;
    throw new GyreError('INTERNAL', `a thread answered ${reply.kind} to an examination`);
  }

  async pixels(bytes: Uint8Array, target: ResizeTarget): Promise<Raster> {
    // a part of a larger buffer would take all of it along
    const own = new Uint8Array(bytes);
    const reply = await this.#ask({ kind: 'pixels', bytes: own, limits: this.#limits, target }, [own.buffer]);
    if (reply.kind === 'pixels') return reply.raster;
    throw new GyreError('INTERNAL', `a thread answered ${reply.kind} to pixels`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) this.#giveUp(worker, 'the threads for images were closed before they answered');
    await Promise.all(
      [...this.#load.keys()].map(async (worker) => {
        const ended = once(worker, 'exit');
        worker.postMessage({ kind: 'stop' } satisfies ThreadRequest);
        await ended;
      }),
    );
  }

  #ask(job: Job, moved: ArrayBuffer[] = []): Promise<ThreadReply> {
    const [first] = this.#load.keys();
    if (first === undefined) throw new GyreError('UNAVAILABLE', 'no thread for images is alive');
    let worker = first;
    for (const [each, load] of this.#load) if (load < (this.#load.get(worker) ?? 0)) worker = each;
    const id = this.#next++;
    this.#load.set(worker, (this.#load.get(worker) ?? 0) + 1);
    const { promise, resolve, reject } = Promise.withResolvers<ThreadReply>();
    this.#waiting.set(id, { worker, resolve, reject });
    worker.postMessage({ ...job, id }, moved);
    return promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./image-worker.ts', import.meta.url), { execArgv: [] });
    this.#load.set(worker, 0);
    worker.on('message', (reply: ThreadReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      this.#load.set(worker, (this.#load.get(worker) ?? 1) - 1);
      if (reply.kind === 'failure')
        waiting?.reject(new GyreError(reply.code, reply.message, reply.problem === undefined ? {} : { problem: reply.problem }));
      else waiting?.resolve(reply);
    });
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      this.#load.delete(worker);
      this.#giveUp(worker, 'a thread for images ended before it answered', cause);
    });
    return worker;
  }

  #giveUp(worker: Worker, message: string, cause?: unknown): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.worker !== worker) continue;
      this.#waiting.delete(id);
      waiting.reject(new GyreError('UNAVAILABLE', message, {}, { cause }));
    }
  }
}
