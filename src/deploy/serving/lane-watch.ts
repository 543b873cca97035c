import { inlineBatchMs, inlineRowMs, mostInlineRows, mostWorkerRows, workerBatchMs, worthwhileShare } from './probe.ts';
import type { Lane } from './execution-settings.ts';

/** Runs that are looked at together. The least of them counts, since whatever else the machine does only adds to it. */
const window = 64;

/** The machine may have been busy with something else when it was tried. */
const settledWindows = 50;

/** What the runs of a model say about what was measured when it was loaded. */
export type Advice = 'to-workers' | 'to-inline' | 'fewer-rows' | 'more-rows';

/** Watches how long a model's runs take in truth: the example it was measured with may have been unlike what is asked, or the machine busy. */
export class LaneWatch {
  #runs = 0;
  #leastRowMs = Number.POSITIVE_INFINITY;
  #fullRuns = 0;
  #leastFullMs = Number.POSITIVE_INFINITY;
  #leastFullRowMs = Number.POSITIVE_INFINITY;
  /** What a row cost before there were twice as many in a run, until it is known what it costs now. */
  #smallerRowMs: number | undefined;
  /** For how many windows of full runs more rows are not tried again, since they were not worth it. */
  #settledFor = 0;

  /**
   * Notes a run.
   * @param maxRows rows that a run may have now
   * @returns once in a while, what would be better
   */
  note(lane: Lane, maxRows: number, rows: number, inferMs: number): Advice | undefined {
    this.#runs += 1;
    this.#leastRowMs = Math.min(this.#leastRowMs, inferMs / rows);
    if (rows > maxRows / 2) {
      this.#fullRuns += 1;
      this.#leastFullMs = Math.min(this.#leastFullMs, inferMs);
      this.#leastFullRowMs = Math.min(this.#leastFullRowMs, inferMs / rows);
    }
    if (this.#fullRuns >= window) {
      const advice = this.#ofRows(lane, maxRows);
      this.#fullRuns = 0;
      this.#leastFullMs = Number.POSITIVE_INFINITY;
      this.#leastFullRowMs = Number.POSITIVE_INFINITY;
      if (advice !== undefined) return advice;
    }
    if (this.#runs < window) return undefined;
    const advice = this.#ofLane(lane);
    this.#runs = 0;
    this.#leastRowMs = Number.POSITIVE_INFINITY;
    return advice;
  }

  #ofRows(lane: Lane, maxRows: number): Advice | undefined {
    const [limitMs, most] = lane === 'inline' ? [inlineBatchMs, mostInlineRows] : [workerBatchMs, mostWorkerRows];
    const smallerRowMs = this.#smallerRowMs;
    this.#smallerRowMs = undefined;
    if (maxRows > 1 && this.#leastFullMs > 1.5 * limitMs) return 'fewer-rows';
    if (smallerRowMs !== undefined && this.#leastFullRowMs > smallerRowMs * worthwhileShare) {
      this.#settledFor = settledWindows;
      return 'fewer-rows';
    }
    this.#settledFor = Math.max(0, this.#settledFor - 1);
    if (this.#settledFor > 0 || maxRows >= most || this.#leastFullMs >= limitMs / 4) return undefined;
    this.#smallerRowMs = this.#leastFullRowMs;
    return 'more-rows';
  }

  /** Twice the limit, or half of it: what lies between is not worth the move. */
  #ofLane(lane: Lane): Advice | undefined {
    if (lane === 'inline') return this.#leastRowMs > 2 * inlineRowMs ? 'to-workers' : undefined;
    return this.#leastRowMs < inlineRowMs / 2 ? 'to-inline' : undefined;
  }
}
