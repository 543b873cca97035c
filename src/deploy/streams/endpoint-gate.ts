import { setTimeout as sleep } from 'node:timers/promises';

const [firstPauseMs, longestPauseMs] = [200, 10_000];
/** A refusal costs all of them the pause that it asks for: how many are too many is tried seldom. */
const roundsForMore = 8;

/**
 * How many ask an endpoint at the same time: one more after some rounds of answers, half as many after it put somebody off, and nobody until the time that it
 * said is over (RFC 9110, section 10.2.3); where it said none, until longer and longer pauses are.
 */
export class EndpointGate {
  readonly #most: number;
  readonly #elapsed: () => number;
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #inside = 0;
  #notBeforeMs = 0;
  #refusals = 0;

  /** @param most at the same time @param elapsed milliseconds since some fixed moment, not stepping back */
  constructor(most: number, elapsed: () => number) {
    this.#most = most;
    this.#limit = most;
    this.#elapsed = elapsed;
  }

  /** Who is inside is alone there. */
  get isAlone(): boolean {
    return this.#inside === 1;
  }

  /** And nobody waits. */
  get isLast(): boolean {
    return this.isAlone && this.#waiting.length === 0;
  }

  /** Settles when one more may ask, in the order in which they came, or the signal aborts. @returns whether it may */
  async enter(signal: AbortSignal): Promise<boolean> {
    if (this.#inside < Math.floor(this.#limit) && this.#waiting.length === 0) this.#inside += 1;
    else if (!(await this.#turn(signal))) return false;
    for (let pauseMs = this.#pauseMs(); pauseMs > 0 && !signal.aborted; pauseMs = this.#pauseMs())
      await sleep(Math.ceil(pauseMs), undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) return true;
    this.leave();
    return false;
  }

  answered(): void {
    this.#refusals = 0;
    this.#limit = Math.min(this.#most, this.#limit + 1 / (roundsForMore * this.#limit));
    this.leave();
  }

  /** Nothing answers there, which says nothing of how many may ask. */
  away(): void {
    this.#pause(undefined);
    this.leave();
  }

  /** @param forMs how long it wants to be left alone, where it says so */
  refused(forMs: number | undefined): void {
    // Those that were under way when it began to refuse say nothing more.
    if (this.#elapsed() >= this.#notBeforeMs) this.#limit = Math.max(1, this.#limit / 2);
    this.#pause(forMs);
    this.leave();
  }

  #pause(forMs: number | undefined): void {
    const now = this.#elapsed();
    if (now >= this.#notBeforeMs) {
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#refusals++, 10));
      this.#notBeforeMs = now + (forMs ?? pauseMs);
    } else if (forMs !== undefined) this.#notBeforeMs = Math.max(this.#notBeforeMs, now + forMs);
  }

  #pauseMs(): number {
    return this.#notBeforeMs - this.#elapsed();
  }

  /** @returns whether it was let in, by whoever left */
  #turn(signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const enters = (): void => {
      signal.removeEventListener('abort', gives);
      resolve(true);
    };
    const gives = (): void => {
      const at = this.#waiting.indexOf(enters);
      if (at >= 0) this.#waiting.splice(at, 1);
      resolve(false);
    };
    this.#waiting.push(enters);
    if (signal.aborted) gives();
    else signal.addEventListener('abort', gives, { once: true });
    return promise;
  }

  /** Hands the place over: who leaves and comes again at once would else be before all that wait. */
  leave(): void {
    this.#inside -= 1;
    while (this.#inside < Math.floor(this.#limit)) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#inside += 1;
      next();
    }
  }
}
