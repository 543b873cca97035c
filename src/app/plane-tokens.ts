import { setTimeout as sleep } from 'node:timers/promises';
import { eventType } from '#contract';
import { hasCode, messageOf } from '#core';
import type { Release } from '#release';
import { platform, type House } from './compose.ts';

/** A switch that is under way ends soon; a plane that cannot be told is told again. */
const retryMs = 500;
const longestPauseMs = 60_000;
/** Longer than a timer can wait (2^31 - 1 ms) is asked again. */
const longestWaitMs = 24 * 60 * 60_000;

/**
 * While others than this machine may infer: whenever a token is issued, revoked or expires, or its identity is disabled, the data
 * planes get manifests that name exactly the tokens which may infer from then on.
 * @param planesResumed nothing is renewed before the planes serve what is on record
 */
export async function keepTokensFresh(
  {
    access,
    events,
    release,
    clock,
    log,
  }: Pick<House, 'access' | 'events' | 'clock' | 'log'> & { readonly release: Pick<Release, 'renewTokens'> },
  planesResumed: Promise<void>,
): Promise<AsyncDisposable> {
  const closing = new AbortController();
  let expiry: NodeJS.Timeout | undefined;
  let turns: Promise<void> = planesResumed;

  const renew = async (): Promise<void> => {
    let pauseMs = retryMs;
    while (!closing.signal.aborted) {
      try {
        await release.renewTokens(platform);
        const { firstExpiry } = await access.tokensWith('log');
        clearTimeout(expiry);
        if (firstExpiry === undefined || closing.signal.aborted) return;
        expiry = setTimeout(inTurn, Math.min(Math.max(firstExpiry - clock.now(), 0) + 1, longestWaitMs));
        expiry.unref();
        return;
      } catch (error) {
        if (!hasCode(error, 'ABORTED')) log.error({ error: messageOf(error) }, 'the data planes could not be told which tokens may infer');
        await sleep(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
  };
  function inTurn(): void {
    turns = turns.then(renew);
  }

  inTurn();
  const subscription = await events.subscribe({
    name: 'app.plane-tokens',
    types: [eventType('token.issued'), eventType('token.revoked'), eventType('identity.disabled'), eventType('identity.roles_set')],
    from: 'now',
    effect: async () => {
      inTurn();
      await turns;
    },
  });
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      clearTimeout(expiry);
      await subscription[Symbol.asyncDispose]();
      await turns;
    },
  };
}
