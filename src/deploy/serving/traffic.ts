import type { TrafficFigures } from '#contract';

/** Bounds of the buckets of latencies grow by this factor from the least on: a percentile is within it of the truth. */
const growth = 1.1;
const leastMs = 0.05;
const bucketCount = 160;
const windowSeconds = 60;

interface Second {
  /** Seconds on the clock of elapsed time: whether it is one of the last minute. */
  at: number;
  requests: number;
  errors: number;
  readonly latencies: Uint32Array;
}

/** What was asked in the last minute, second by second. */
export class Traffic {
  readonly #elapsed: () => number;
  readonly #seconds: Second[] = [];

  /** @param elapsed milliseconds since some fixed moment, not stepping back */
  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** Notes an answer. @param isError whether it failed, whoever was at fault */
  note(tookMs: number, isError: boolean): void {
    const second = this.#second(Math.floor(this.#elapsed() / 1000));
    second.requests += 1;
    if (isError) second.errors += 1;
    second.latencies[bucketOf(tookMs)] += 1;
  }

  #second(at: number): Second {
    const index = at % windowSeconds;
    const known = this.#seconds[index];
    if (known === undefined) return (this.#seconds[index] = { at, requests: 0, errors: 0, latencies: new Uint32Array(bucketCount) });
    if (known.at !== at) {
      known.at = at;
      known.requests = 0;
      known.errors = 0;
      known.latencies.fill(0);
    }
    return known;
  }

  /** The last 60 seconds that are over, and the one that runs. */
  figures(): TrafficFigures {
    const now = Math.floor(this.#elapsed() / 1000);
    const merged = new Uint32Array(bucketCount);
    const seconds: { requests: number; errors: number }[] = [];
    let [requests, errors] = [0, 0];
    for (let at = now - windowSeconds + 1; at <= now; at++) {
      const known = this.#seconds[((at % windowSeconds) + windowSeconds) % windowSeconds];
      if (known?.at !== at) {
        seconds.push({ requests: 0, errors: 0 });
        continue;
      }
      requests += known.requests;
      errors += known.errors;
      for (let bucket = 0; bucket < bucketCount; bucket++) merged[bucket] += known.latencies[bucket];
      seconds.push({ requests: known.requests, errors: known.errors });
    }
    const percentiles =
      requests === 0
        ? {}
        : { p50Ms: quantile(merged, requests, 0.5), p95Ms: quantile(merged, requests, 0.95), p99Ms: quantile(merged, requests, 0.99) };
    return { requests, errors, perSecond: requests / windowSeconds, ...percentiles, seconds };
  }
}

function bucketOf(ms: number): number {
  if (!(ms > leastMs)) return 0;
  return Math.min(bucketCount - 1, Math.ceil(Math.log(ms / leastMs) / Math.log(growth)));
}

/** The upper bound of the bucket in which the quantile lies (nearest rank). */
function quantile(buckets: Uint32Array, count: number, share: number): number {
  let left = Math.max(1, Math.ceil(count * share));
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    left -= buckets[bucket];
    if (left <= 0) return leastMs * growth ** bucket;
  }
  return leastMs * growth ** (bucketCount - 1);
}
