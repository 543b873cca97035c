import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#core';
import { forgetEnded, nextDue, selectAddress, settle, takeDue, type TakenLetter } from './mail-store.ts';
import type { MailDeps } from './port.ts';
import type { SmtpClient } from './smtp.ts';

const firstWaitMs = 30_000;
const waitFactor = 3;
const longestWaitMs = 6 * 3_600_000;
/** A message that nobody took for so long is given up. */
const givenUpAfterMs = 3 * 24 * 3_600_000;
const keptMs = 30 * 24 * 3_600_000;
/** Longer than any try takes. */
const leaseMs = 5 * 60_000;
const atOnce = 10;
const lookEveryMs = 30_000;

/** Sends messages in the order in which they are due, again after growing pauses, until it is stopped. */
export class MailCourier implements AsyncDisposable {
  readonly #deps: Pick<MailDeps, 'store' | 'clock' | 'report'>;
  readonly #client: SmtpClient;
  readonly #stop = new AbortController();
  #woken = Promise.withResolvers<void>();
  #working: Promise<void> = Promise.resolve();

  constructor(deps: Pick<MailDeps, 'store' | 'clock' | 'report'>, client: SmtpClient) {
    this.#deps = deps;
    this.#client = client;
  }

  start(): void {
    this.#working = this.#work();
  }

  wake(): void {
    this.#woken.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  /** @returns how many messages were tried */
  async sendDue(): Promise<number> {
    const { store, clock } = this.#deps;
    const taken = await store.write(takeDue, { at: clock.now(), leaseMs, limit: atOnce });
    // One after the other: servers count connections.
    for (const letter of taken) await this.#send(letter);
    return taken.length;
  }

  async #send(letter: TakenLetter): Promise<void> {
    const { store, clock, report } = this.#deps;
    const kept = await store.read((db) => selectAddress(db, letter.identity));
    const refusal =
      kept === undefined
        ? { error: 'there is no address any more', passes: false }
        : await this.#client.send(letter, kept.address, letter.createdAt);
    const at = clock.now();
    const waitMs = Math.min(longestWaitMs, firstWaitMs * waitFactor ** (letter.tries - 1));
    const isAgain = refusal?.passes === true && at + waitMs - letter.createdAt <= givenUpAfterMs;
    await store.write(settle, {
      letter,
      at,
      ...(refusal === undefined ? {} : { error: refusal.error }),
      ...(isAgain ? { again: at + waitMs } : {}),
    });
    if (refusal !== undefined) report(`message ${letter.id} was not sent${isAgain ? ' yet' : ''}: ${refusal.error}`);
  }

  async #work(): Promise<void> {
    const { store, clock, report } = this.#deps;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const woken = this.#woken.promise;
      let waitMs = lookEveryMs;
      try {
        while (!signal.aborted && (await this.sendDue()) > 0);
        await store.write(forgetEnded, clock.now() - keptMs);
        const due = await store.read(nextDue);
        if (due !== undefined) waitMs = Math.min(lookEveryMs, Math.max(100, due - clock.now()));
      } catch (error) {
        if (!signal.aborted) report(`nobody is told by e-mail for the moment: ${messageOf(error)}`);
      }
      await Promise.race([woken, sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined)]);
      this.#woken = Promise.withResolvers();
    }
  }
}
