import type { ReleaseManifest } from '#contract';
import { GyreError } from '#core';
import { AdmissionLedger } from './admission-ledger.ts';
import type { PlaneMetrics } from './plane-metrics.ts';

/** What admission needs of a plane. */
export interface AdmittingPlane {
  readonly manifest: Pick<ReleaseManifest, 'limits'>;
  readonly counts: Pick<PlaneMetrics, 'dropped'>;
  /** Milliseconds since some fixed moment, not stepping back: the wall clock may be set, and nobody gains or loses requests by it. */
  elapsed(): number;
}

/** Throughput is known from about so long ago. */
const memoryMs = 5_000;
/** What a caller is told to wait, in seconds. */
const shortest = 1;
const longest = 30;

/**
 * Who is let in: so many requests a second of each caller, and so many at the same time of all. One for all servers of a plane, and one ledger
 * for all planes that answer together; the limits are those of the manifest that is served now.
 */
export class Admission {
  readonly #plane: AdmittingPlane;
  readonly #ledger: AdmissionLedger;
  /** Answers, each counting less the longer it is ago. */
  #answered = 0;
  #answeredAtMs: number;
  #seen: number;

  constructor(plane: AdmittingPlane, ledger = new AdmissionLedger()) {
    this.#plane = plane;
    this.#ledger = ledger;
    this.#answeredAtMs = plane.elapsed();
    this.#seen = ledger.left;
  }

  /**
   * Takes one request from what a caller may still ask.
   * @param caller the SHA-256 of its token; empty where there are none: all callers of this machine are one
   * @throws GyreError RESOURCE_EXHAUSTED with `details.retryAfterMs`, when the next one may ask
   */
  take(caller: string): void {
    const { limits } = this.#plane.manifest;
    if (limits.rate === undefined) return;
    const { perSecond, burst = Math.max(1, Math.ceil(perSecond)) } = limits.rate;
    const retryAfterMs = this.#ledger.take(caller, { perSecond, burst }, this.#plane.elapsed());
    if (retryAfterMs === 0) return;
    this.#plane.counts.dropped.inc({ reason: 'rate' });
    const whose = caller === '' ? 'this endpoint takes' : 'with this token this endpoint takes';
    throw new GyreError('RESOURCE_EXHAUSTED', `${whose} ${perSecond} requests a second, ${burst} at once; ask again later`, {
      retryAfterMs,
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
    if (!this.#ledger.enter(maxConcurrent)) {
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
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#ledger.leave();
        this.#recent();
      },
    };
  }

  /** How many requests are being answered. */
  get inside(): number {
    return this.#ledger.inside;
  }

  /** Whole seconds until what is inside now is answered, as fast as it went of late: 1 to 30. */
  get retryAfterSeconds(): number {
    const perSecond = this.#recent() / (memoryMs / 1000);
    if (this.inside === 0) return shortest;
    return perSecond === 0 ? longest : Math.min(longest, Math.max(shortest, Math.ceil(this.inside / perSecond)));
  }

  #recent(): number {
    const [nowMs, left] = [this.#plane.elapsed(), this.#ledger.left];
    const ages = (nowMs - this.#answeredAtMs) / memoryMs;
    // Those that were answered meanwhile, by whichever thread, came evenly as far as is known. The count wraps around.
    const weight = ages > 0 ? (1 - Math.exp(-ages)) / ages : 1;
    this.#answered = this.#answered * Math.exp(-ages) + ((left - this.#seen) | 0) * weight;
    this.#answeredAtMs = nowMs;
    this.#seen = left;
    return this.#answered;
  }
}

/** What a refused caller is told to wait, in milliseconds: what the error says, else what admission reckons. */
export function retryAfterMs(error: unknown, admission: Admission): number {
  const said =
    error instanceof Error && 'details' in error ? (error.details as Readonly<Record<string, unknown>>)['retryAfterMs'] : undefined;
  return typeof said === 'number' ? said : admission.retryAfterSeconds * 1000;
}
