import type { ReleaseManifest } from '#contract';
import { GyreError } from '#core';
import type { PlaneMetrics } from './plane-metrics.ts';

/** What admission needs of a plane. */
export interface AdmittingPlane {
  readonly manifest: Pick<ReleaseManifest, 'limits' | 'tokenHashes'>;
  readonly counts: Pick<PlaneMetrics, 'dropped'>;
  /** Milliseconds since some fixed moment, not stepping back: the wall clock may be set, and nobody gains or loses requests by it. */
  elapsed(): number;
}

/** What is left of a caller's rate: as a token bucket (RFC 2697 speaks of one bucket and its refill), in requests. */
interface Bucket {
  left: number;
  atMs: number;
}

/** Throughput is known from about so long ago. */
const memoryMs = 5_000;
/** What a caller is told to wait, in seconds. */
const shortest = 1;
const longest = 30;

/**
 * Who is let in: so many requests a second of each caller, and so many at the same time of all. One for all servers of a plane; the limits
 * are those of the manifest that is served now.
 */
export class Admission {
  readonly #plane: AdmittingPlane;
  readonly #buckets = new Map<string, Bucket>();
  #inside = 0;
  /** Answers, each counting less the longer it is ago. */
  #answered = 0;
  #answeredAtMs: number;

  constructor(plane: AdmittingPlane) {
    this.#plane = plane;
    this.#answeredAtMs = plane.elapsed();
  }

  /**
   * Takes one request from what a caller may still ask.
   * @param caller the SHA-256 of its token; empty where there are none: all callers of this machine are one
   * @throws GyreError RESOURCE_EXHAUSTED with `details.retryAfterMs`, when the next one may ask
   */
  take(caller: string): void {
    const { limits, tokenHashes } = this.#plane.manifest;
    if (limits.rate === undefined) return;
    const { perSecond, burst = Math.max(1, Math.ceil(perSecond)) } = limits.rate;
    const nowMs = this.#plane.elapsed();
    const bucket = this.#buckets.getOrInsertComputed(caller, () => {
      // Tokens come and go with manifests.
      for (const known of this.#buckets.keys()) if (!tokenHashes.includes(known)) this.#buckets.delete(known);
      return { left: burst, atMs: nowMs };
    });
    bucket.left = Math.min(burst, bucket.left + ((nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    if (bucket.left >= 1) {
      bucket.left -= 1;
      return;
    }
    this.#plane.counts.dropped.inc({ reason: 'rate' });
    const whose = caller === '' ? 'this endpoint takes' : 'with this token this endpoint takes';
    throw new GyreError('RESOURCE_EXHAUSTED', `${whose} ${perSecond} requests a second, ${burst} at once; ask again later`, {
      retryAfterMs: ((1 - bucket.left) / perSecond) * 1000,
      perSecond,
      burst,
    });
  }

  /**
   * Lets one request in, until it is disposed.
   * @throws GyreError UNAVAILABLE with `details.retryAfterMs` when as many are inside as may be
   */
  enter(): Disposable {
    const { maxConcurrent } = this.#plane.manifest.limits;
    if (maxConcurrent !== undefined && this.#inside >= maxConcurrent) {
      this.#plane.counts.dropped.inc({ reason: 'concurrency' });
      throw new GyreError(
        'UNAVAILABLE',
        `${maxConcurrent} requests are being answered, which is the limit of this endpoint; ask again later`,
        {
          retryAfterMs: this.retryAfterSeconds * 1000,
          maxConcurrent,
        },
      );
    }
    this.#inside += 1;
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#inside -= 1;
        this.#answered = this.#recent() + 1;
        this.#answeredAtMs = this.#plane.elapsed();
      },
    };
  }

  /** How many requests are being answered. */
  get inside(): number {
    return this.#inside;
  }

  /** Whole seconds until what is inside now is answered, as fast as it went of late: 1 to 30. */
  get retryAfterSeconds(): number {
    const perSecond = this.#recent() / (memoryMs / 1000);
    if (this.#inside === 0) return shortest;
    return perSecond === 0 ? longest : Math.min(longest, Math.max(shortest, Math.ceil(this.#inside / perSecond)));
  }

  #recent(): number {
    return this.#answered * Math.exp((this.#answeredAtMs - this.#plane.elapsed()) / memoryMs);
  }
}

/** What a refused caller is told to wait, in milliseconds: what the error says, else what admission reckons. */
export function retryAfterMs(error: unknown, admission: Admission): number {
  const said =
    error instanceof Error && 'details' in error ? (error.details as Readonly<Record<string, unknown>>)['retryAfterMs'] : undefined;
  return typeof said === 'number' ? said : admission.retryAfterSeconds * 1000;
}
