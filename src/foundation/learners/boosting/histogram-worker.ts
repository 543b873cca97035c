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

const { sources, words, first, stride }: HistogramWorkerData = workerData;
let seen = 0;
for (;;) {
  Atomics.wait(words, control.generation, seen);
  seen = Atomics.load(words, control.generation);
  if (Atomics.load(words, control.stop) === 1) break;
  try {
    fillHistogram(sources, words[control.start], words[control.end], words[control.slot], words[control.featureCount], first, stride);
  } catch {
    Atomics.store(words, control.failed, 1);
  }
  if (Atomics.sub(words, control.pending, 1) === 1) Atomics.notify(words, control.pending);
}
