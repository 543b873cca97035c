import { workerData } from 'node:worker_threads';
import { control, fillHistogram } from './histograms.ts';
import type { HistogramSources } from './histograms.ts';

/** What a histogram thread is started with. */
export interface HistogramWorkerData {
  readonly sources: HistogramSources;
  readonly words: Int32Array;
  /** This thread's share: feature positions first, first + stride, … */
  readonly first: number;
  readonly stride: number;
}

const given: unknown = workerData;
if (isHistogramWorkerData(given)) work(given);

function work({ sources, words, first, stride }: HistogramWorkerData): void {
  for (let seen = 0; ;) {
    Atomics.wait(words, control.generation, seen);
    seen = Atomics.load(words, control.generation);
    if (Atomics.load(words, control.stop) === 1) return;
    try {
      fillHistogram(sources, words[control.start], words[control.end], words[control.slot], words[control.featureCount], first, stride);
    } catch {
      Atomics.store(words, control.failed, 1);
    }
    if (Atomics.sub(words, control.pending, 1) === 1) Atomics.notify(words, control.pending);
  }
}

function isHistogramWorkerData(data: unknown): data is HistogramWorkerData {
  return typeof data === 'object' && data !== null && 'sources' in data && 'words' in data && 'first' in data && 'stride' in data;
}
