/** What admission keeps count of, in memory that all threads which answer for a data plane may share. */
export interface LedgerMemory {
  /** How many requests are inside, and how many have left. */
  readonly counts: Int32Array;
  /** For each place: whose it is, and when its next request is due if none came (microseconds of elapsed time). */
  readonly due: BigInt64Array;
}

/** Callers that are told apart at the same time. */
const places = 4096;
/** Places that are looked at for one; where all are others', the first is shared with its owner, and both together have the rate of one. */
const probes = 64;

/** Memory for `AdmissionLedger`. It can be given to other threads. */
export function ledgerMemory(): LedgerMemory {
  return {
    counts: new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)),
    due: new BigInt64Array(new SharedArrayBuffer(2 * places * BigInt64Array.BYTES_PER_ELEMENT)),
  };
}

export interface Rate {
  readonly perSecond: number;
  /** Requests that may come at once. */
  readonly burst: number;
}

/** How many are inside, and what is left of each caller's rate. Threads that share its memory count as one. */
export class AdmissionLedger {
  readonly #counts: Int32Array;
  readonly #due: BigInt64Array;
  readonly #aheadUs: number;

  /** @param aheadMs how far the clock of whoever else counts in this memory is ahead of the one that `take` is told of */
  constructor({ counts, due }: LedgerMemory = ledgerMemory(), aheadMs = 0) {
    this.#counts = counts;
    this.#due = due;
    this.#aheadUs = aheadMs * 1000;
  }

  get inside(): number {
    return Atomics.load(this.#counts, 0);
  }

  /** @param most left out: no bound @returns false when as many are inside already */
  enter(most: number | undefined): boolean {
    if (Atomics.add(this.#counts, 0, 1) < (most ?? Number.POSITIVE_INFINITY)) return true;
    Atomics.sub(this.#counts, 0, 1);
    return false;
  }

  leave(): void {
    Atomics.sub(this.#counts, 0, 1);
    Atomics.add(this.#counts, 1, 1);
  }

  /** How many have left, modulo 2^32. */
  get left(): number {
    return Atomics.load(this.#counts, 1);
  }

  /**
   * Takes a request from a caller's rate: the generic cell rate algorithm (ITU-T I.371, annex A), which lets through what a token bucket of
   * `burst` tokens does, and needs but one number of a caller.
   * @param caller the SHA-256 of its token as hex digits, or empty @param nowMs milliseconds of elapsed time
   * @returns 0 when it may ask, else the milliseconds until it may
   */
  take(caller: string, { perSecond, burst }: Rate, nowMs: number): number {
    const nowUs = nowMs * 1000 + this.#aheadUs;
    const gapUs = 1e6 / perSecond;
    const at = this.#placeOf(ownerOf(caller), nowUs);
    for (;;) {
      const known = Atomics.load(this.#due, at + 1);
      const dueUs = Math.max(Number(known), nowUs);
      const early = dueUs - nowUs - (burst - 1) * gapUs;
      // Instants are kept in whole microseconds.
      if (early > 1) return early / 1000;
      if (Atomics.compareExchange(this.#due, at + 1, known, BigInt(Math.round(dueUs + gapUs))) === known) return 0;
    }
  }

  /** Its own place, else one whose owner's rate is whole again, which is as if nobody had it. @returns where it begins */
  #placeOf(owner: bigint, nowUs: number): number {
    const first = Number(BigInt.asUintN(12, owner >> 2n));
    let free: number | undefined;
    for (let probe = 0; probe < probes; probe++) {
      const at = 2 * ((first + probe) % places);
      const known = Atomics.load(this.#due, at);
      if (known === owner) return at;
      if (free === undefined && (known === 0n || Number(Atomics.load(this.#due, at + 1)) <= nowUs)) free = at;
    }
    if (free === undefined) return 2 * first;
    const known = Atomics.load(this.#due, free);
    // Where another thread takes it in the same moment, both callers share it.
    Atomics.compareExchange(this.#due, free, known, owner);
    return free;
  }
}

/** Never 0, which is what a place that nobody has had says. */
function ownerOf(caller: string): bigint {
  return caller === '' ? 1n : BigInt.asIntN(64, BigInt(`0x${caller.slice(0, 16)}`)) | 2n;
}
