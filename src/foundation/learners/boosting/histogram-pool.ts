import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GyreError } from '#core';
import { control, fillHistogram } from './histograms.ts';
import type { HistogramSources } from './histograms.ts';
import type { HistogramWorkerData } from './histogram-worker.ts';

/** How long the slowest thread may take for one histogram before it counts as dead. */
const stallMs = 120_000;

/** Builds histograms, alone or with threads that each take every n-th feature. One histogram at a time; calls block until it is whole. */
export class HistogramPool {
  readonly sources: HistogramSources;
  readonly #workers: readonly Worker[];
  readonly #words: Int32Array;

  private constructor(sources: HistogramSources, workers: readonly Worker[], words: Int32Array) {
    this.sources = sources;
    this.#workers = workers;
    this.#words = words;
  }

  /** @param threads 1 works alone; more needs `sources` on shared memory */
  static async open(sources: HistogramSources, threads: number): Promise<HistogramPool> {
    const words = new Int32Array(new SharedArrayBuffer(control.size * 4));
    const workers: Worker[] = [];
    for (let first = 1; first < threads; first++) {
      const workerData: HistogramWorkerData = { sources, words, first, stride: threads };
      workers.push(new Worker(new URL('./histogram-worker.ts', import.meta.url), { workerData, execArgv: [] }));
    }
    const pool = new HistogramPool(sources, workers, words);
    try {
      await Promise.all(workers.map((worker) => once(worker, 'online')));
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw new GyreError('UNAVAILABLE', 'a histogram thread could not be started', {}, { cause: error });
    }
    return pool;
  }

  /** Fills the slot's histogram from the rows at start … end-1. @throws GyreError INTERNAL when a thread failed or died */
  fill(start: number, end: number, slot: number, featureCount: number): void {
    const threads = this.#workers.length + 1;
    const words = this.#words;
    if (threads === 1) {
      fillHistogram(this.sources, start, end, slot, featureCount, 0, 1);
      return;
    }
    words[control.start] = start;
    words[control.end] = end;
    words[control.slot] = slot;
    words[control.featureCount] = featureCount;
    Atomics.store(words, control.pending, threads - 1);
    Atomics.add(words, control.generation, 1);
    Atomics.notify(words, control.generation);
    fillHistogram(this.sources, start, end, slot, featureCount, 0, threads);
    for (let pending = Atomics.load(words, control.pending); pending > 0; pending = Atomics.load(words, control.pending))
      if (Atomics.wait(words, control.pending, pending, stallMs) === 'timed-out')
        throw new GyreError('INTERNAL', `${pending} of ${threads - 1} histogram threads did not answer within ${stallMs} ms`);
    if (Atomics.load(words, control.failed) === 1) throw new GyreError('INTERNAL', 'a histogram thread failed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#words, control.stop, 1);
    Atomics.add(this.#words, control.generation, 1);
    Atomics.notify(this.#words, control.generation);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
