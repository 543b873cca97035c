import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, messageOf } from '#core';
import type { Tx } from '#store';
import type { WebhookDeps } from './port.ts';
import { openSecret, signatureOf } from './secrets.ts';
import { post } from './send.ts';
import type { Answer } from './send.ts';
import { forgetEnded, nextDue, selectWebhook, settle, takeDue } from './webhooks-store.ts';
import type { KeptWebhook, TakenDelivery } from './webhooks-store.ts';

const mostTries = 8;
const firstRetryMs = 1000;
/** Each wait is so many times the one before: the last try comes some hours after the first. */
const retryFactor = 4;
/** Longer than any try takes. */
const leaseMs = 120_000;
const atOnce = 16;
const keptMs = 7 * 24 * 3_600_000;
const longestWaitMs = 30_000;
const forgettingEveryMs = 3_600_000;

/** Statuses that pass: whoever answers so may take the message later. */
const passing: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

type CourierDeps = Pick<WebhookDeps, 'store' | 'clock' | 'key' | 'hosts' | 'randomBytes' | 'report'>;

/** Sends what is on its way, again after trouble that passes, until it is stopped. */
export class Courier implements AsyncDisposable {
  readonly #deps: CourierDeps;
  readonly #stop = new AbortController();
  #woken = Promise.withResolvers<void>();
  #working: Promise<void> = Promise.resolve();

  constructor(deps: CourierDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#working = this.#work();
  }

  /** There is something new to send. */
  wake(): void {
    this.#woken.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }

  /** @throws what the address's host, its connection or the sealed secret give cause to */
  send({ webhook, sealedSecret }: KeptWebhook, delivery: string, body: string): Promise<Answer> {
    const { clock, key, hosts } = this.#deps;
    const timestamp = String(Math.floor(clock.now() / 1000));
    const secret = sealedSecret === undefined ? undefined : openSecret(sealedSecret, key, webhook.id);
    const headers = {
      'x-mlflow-delivery-id': delivery,
      'x-mlflow-timestamp': timestamp,
      ...(secret === undefined ? {} : { 'x-mlflow-signature': signatureOf(secret, delivery, timestamp, body) }),
    };
    return post({ url: webhook.url, headers, body }, hosts, this.#stop.signal);
  }

  /** @returns how many messages were tried */
  async deliverDue(): Promise<number> {
    const { store, clock } = this.#deps;
    const taken = await store.write(takeDue, { at: clock.now(), leaseMs, limit: atOnce });
    await Promise.all(taken.map((delivery) => this.#deliver(delivery)));
    return taken.length;
  }

  async #deliver(delivery: TakenDelivery): Promise<void> {
    const { store, clock } = this.#deps;
    const found = await store.read((db) => selectWebhook(db, delivery.webhook));
    const outcome = found === undefined ? undefined : await this.#try(found, delivery);
    const at = clock.now();
    const failed = outcome?.error;
    const again = outcome?.passes === true && delivery.tries < mostTries;
    await store.write(async (tx: Tx) => {
      await settle(tx, delivery.id, {
        state: failed === undefined && outcome !== undefined ? 'delivered' : again ? 'waiting' : 'failed',
        status: outcome?.status ?? null,
        error: outcome === undefined ? 'the webhook was deleted' : (failed ?? null),
        due_at: again ? at + this.#waitMs(delivery.tries) : null,
        ended_at: again ? null : at,
      });
    }, undefined);
  }

  /** What came of one try; `passes`: it may go better later. */
  async #try(
    webhook: KeptWebhook,
    { id, body }: TakenDelivery,
  ): Promise<{ readonly status?: number; readonly error?: string; readonly passes?: boolean }> {
    try {
      const { status } = await this.send(webhook, id, body);
      if (status >= 200 && status < 300) return { status };
      const error =
        status >= 300 && status < 400 ? `the address redirects (${status}), which is not followed` : `the address answered ${status}`;
      return { status, error, passes: passing.includes(status) };
    } catch (error) {
      const isRefused = hasCode(error, 'PERMISSION_DENIED') || hasCode(error, 'DATA_LOSS');
      return { error: messageOf(error), passes: !isRefused };
    }
  }

  /** Waits of many messages that failed together drift apart. */
  #waitMs(tries: number): number {
    const jitter = 1 + this.#deps.randomBytes(1)[0] / 256;
    return Math.round(firstRetryMs * retryFactor ** (tries - 1) * jitter);
  }

  async #work(): Promise<void> {
    const { store, clock, report } = this.#deps;
    const { signal } = this.#stop;
    let forgottenAt = -Infinity;
    while (!signal.aborted) {
      const woken = this.#woken.promise;
      try {
        let due = await store.read(nextDue);
        while (!signal.aborted && due !== undefined && due <= clock.now()) {
          await this.deliverDue();
          due = await store.read(nextDue);
        }
        if (clock.now() - forgottenAt >= forgettingEveryMs) {
          await store.write(forgetEnded, clock.now() - keptMs);
          forgottenAt = clock.now();
        }
        const waitMs = due === undefined ? longestWaitMs : Math.min(longestWaitMs, Math.max(50, due - clock.now()));
        await Promise.race([woken, sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined)]);
      } catch (error) {
        if (signal.aborted) return;
        report(`webhooks are not told for the moment: ${messageOf(error)}`);
        await sleep(longestWaitMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
      this.#woken = Promise.withResolvers();
    }
  }
}
