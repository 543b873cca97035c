import type { Actor } from '#contract';
import { messageOf } from '#core';
import type { Release } from '#release';
import type { Logger } from '#telemetry';

/** How often rollouts are looked at: a bad version is taken back within it once that is sure. */
const lookEveryMs = 500;

/** Lets rollouts go on by themselves until it is disposed of; a look that lasts longer is waited for. */
export function advanceRollouts(
  { release, log }: { readonly release: { readonly rollouts: Pick<Release['rollouts'], 'advance'> }; readonly log: Pick<Logger, 'error'> },
  by: Actor,
): AsyncDisposable {
  const looking = new Set<Promise<void>>();
  const look = async (): Promise<void> => {
    try {
      for (const problem of await release.rollouts.advance(by)) log.error(problem, 'a rollout could not go on; it is tried again');
    } catch (error) {
      log.error({ error: messageOf(error) }, 'rollouts could not be looked at');
    }
  };
  const timer = setInterval(() => {
    // One environment may take long: the others are looked at all the same.
    const one = look().finally(() => looking.delete(one));
    looking.add(one);
  }, lookEveryMs);
  timer.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await Promise.all(looking);
    },
  };
}
