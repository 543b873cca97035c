import type { PlaneMetrics } from './plane-metrics.ts';

/** What is counted of one model's runs. The labels are made once: every request is counted. */
export class ModelCounts {
  readonly #counts: Pick<PlaneMetrics, 'queueSeconds' | 'inferenceSeconds' | 'inferences'>;
  readonly #labels: { readonly model: string; readonly version: string };

  constructor(counts: Pick<PlaneMetrics, 'queueSeconds' | 'inferenceSeconds' | 'inferences'>, model: string, version: string) {
    this.#counts = counts;
    this.#labels = { model, version };
  }

  /** @param tookMs in queue and model together */
  ran(rows: number, queuedMs: number, tookMs: number): void {
    this.#counts.queueSeconds.observe(queuedMs / 1000, this.#labels);
    this.#counts.inferenceSeconds.observe(tookMs / 1000, this.#labels);
    this.#counts.inferences.inc(this.#labels, rows);
  }
}
