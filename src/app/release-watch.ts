import { eventType } from '#contract';
import { messageOf } from '#core';
import type { Release } from '#release';
import { platform, type House } from './compose.ts';

interface Watched extends Pick<House, 'events' | 'log'> {
  readonly release: Pick<Release, 'takeOutRevoked'>;
}

/** While the platform is up: a version that was revoked while a switch to it was under way is taken out when that has ended. */
export async function watchReleases({ events, log, release }: Watched): Promise<AsyncDisposable> {
  return events.subscribe({
    name: 'app.revoked',
    types: [eventType('deployment.live')],
    from: 'now',
    effect: async () => {
      try {
        for (const { environment, outcome, reason } of await release.takeOutRevoked(platform)) {
          if (outcome === 'still_served') log.error({ environment, reason }, 'an environment serves a version that was revoked');
        }
      } catch (error) {
        log.error({ error: messageOf(error) }, 'versions that were revoked could not be taken out');
        throw error;
      }
    },
  });
}
