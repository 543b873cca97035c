import { ConnectionFault, errorCodes } from './protocol.ts';

/** What a connection may do beyond what moves calls on, at once: a client that gives up a thousand calls together is none that attacks. */
const most = 2_000;
/** What it regains of that in a second, whatever it does: pings and settings of an idle client are a few a minute. */
const perSecond = 100;
/**
 * What it regains with a call that is answered, or a message of one: a client may change its mind, ask how long the way is, and open
 * windows, for each. Clients in Go ask with every piece of an answer.
 */
const perAnswer = 16;
/** Bytes of DATA, either way, with which it regains one: clients open windows as they read, and ping to see how wide the way is. */
const bytesPerOne = 256;

/**
 * How much of what moves no call on a connection may still send: resets (CVE-2023-44487), pings, settings, empty frames, window updates
 * and frames that nobody knows (CVE-2019-9511 to 9518). Each costs a client less than the server; work that is done pays for them.
 */
export class Goodwill {
  readonly #elapsed: () => number;
  #left = most;
  #atMs: number;
  #bytes = 0;

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
    this.#atMs = elapsed();
  }

  /** @throws ConnectionFault ENHANCE_YOUR_CALM when it is used up */
  spend(): void {
    this.#left -= 1;
    if (this.#left >= 0) return;
    // The clock is read only when nothing is left.
    const nowMs = this.#elapsed();
    this.#left = Math.min(most, Math.floor(((nowMs - this.#atMs) / 1000) * perSecond)) - 1;
    this.#atMs = nowMs;
    if (this.#left < 0)
      throw new ConnectionFault(errorCodes.enhanceYourCalm, 'too many frames that move no call on: resets, pings, settings, empty ones');
  }

  /** A call, or a message of many, was answered. */
  earn(): void {
    if (this.#left < most) this.#left += perAnswer;
  }

  /** DATA was sent or received. */
  earnBytes(count: number): void {
    this.#bytes += count;
    if (this.#bytes < bytesPerOne) return;
    if (this.#left < most) this.#left += Math.floor(this.#bytes / bytesPerOne);
    this.#bytes %= bytesPerOne;
  }
}
