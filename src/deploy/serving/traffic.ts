import { latencyBuckets } from '#contract';
import type { TrafficFigures } from '#contract';
import { latencyBucketOf } from './answer-counts.ts';

/** A percentile is within the buckets' growth of the truth. */
const { growth, leastMs, count: bucketCount } = latencyBuckets;
const windowSeconds = 60;

/** The seconds of the last minute, oldest first; the last one runs. It can be sent to another thread. */
export type TrafficSeconds = readonly { readonly requests: number; readonly errors: number; readonly latencies?: Uint32Array }[];

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
    second.latencies[latencyBucketOf(tookMs)] += 1;
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
    return trafficFigures([this.seconds()]);
  }

  seconds(): TrafficSeconds {
    const now = Math.floor(this.#elapsed() / 1000);
    return Array.from({ length: windowSeconds }, (_, index) => {
      const at = now - windowSeconds + 1 + index;
      const known = this.#seconds[((at % windowSeconds) + windowSeconds) % windowSeconds];
      return known?.at === at ? known : nothingAsked;
    });
  }
}

const nothingAsked = { requests: 0, errors: 0 };

/** @param parts what several counted in the same minute */
export function trafficFigures(parts: readonly TrafficSeconds[]): TrafficFigures {
  const latencies = new Uint32Array(bucketCount);
  let [requests, errors] = [0, 0];
  const seconds = Array.from({ length: windowSeconds }, (_, index) => {
    const sum = { requests: 0, errors: 0 };
    for (const part of parts) {
      const second = part[index];
      sum.requests += second.requests;
      sum.errors += second.errors;
      if (second.latencies !== undefined) for (const [bucket, count] of second.latencies.entries()) latencies[bucket] += count;
    }
    requests += sum.requests;
    errors += sum.errors;
    return sum;
  });
  const percentiles =
    requests === 0
      ? {}
      : {
          p50Ms: quantile(latencies, requests, 0.5),
          p95Ms: quantile(latencies, requests, 0.95),
          p99Ms: quantile(latencies, requests, 0.99),
        };
  return { requests, errors, perSecond: requests / windowSeconds, ...percentiles, seconds };
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
