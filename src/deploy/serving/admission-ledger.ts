/** What admission keeps count of, in memory that all threads which answer for a data plane may share. */
export interface LedgerMemory {
  /** How many requests are inside, and how many have left. */
  readonly counts: Int32Array;
  /** For each place: whose it is, and when its next request is due if none came (microseconds of elapsed time). */
  readonly due: BigInt64Array;
}

/** Callers that are told apart; a manifest with more tokens has some share a place, and their rates are then looser, never tighter. */
const places = 4096;

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
   * @param caller the SHA-256 of its token as hex digits, or empty @param place where it stands among the callers of the manifest
   * @param nowMs milliseconds of elapsed time @returns 0 when it may ask, else the milliseconds until it may
   */
  take(caller: string, place: number, { perSecond, burst }: Rate, nowMs: number): number {
    const at = 2 * (place % places);
    const owner = ownerOf(caller);
    // Tokens come and go with manifests: a place that was another's begins anew.
    if (Atomics.load(this.#due, at) !== owner) {
      Atomics.store(this.#due, at, owner);
      Atomics.store(this.#due, at + 1, 0n);
    }
    const nowUs = nowMs * 1000 + this.#aheadUs;
    const gapUs = 1e6 / perSecond;
    for (;;) {
      const known = Atomics.load(this.#due, at + 1);
      const dueUs = Math.max(Number(known), nowUs);
      const early = dueUs - nowUs - (burst - 1) * gapUs;
      // Instants are kept in whole microseconds.
      if (early > 1) return early / 1000;
      if (Atomics.compareExchange(this.#due, at + 1, known, BigInt(Math.round(dueUs + gapUs))) === known) return 0;
    }
  }
}

/** Never 0, which is what a place nobody has had says. */
function ownerOf(caller: string): bigint {
  return caller === '' ? 1n : BigInt.asIntN(64, BigInt(`0x${caller.slice(0, 16)}`)) | 2n;
}
