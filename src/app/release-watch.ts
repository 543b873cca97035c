import { eventType } from '#contract';
import type { Window } from '#contract';
import { messageOf } from '#core';
import type { Monitoring } from '#monitoring';
import { isTakingOut } from '#release';
import type { Release } from '#release';
import { platform, type House } from './compose.ts';

interface Watched extends Pick<House, 'events' | 'log'> {
  readonly monitoring: Pick<Monitoring, 'getWindow'>;
  readonly release: Pick<Release, 'getDeployment' | 'takeOutRevoked' | 'tellWanted' | 'tellExpired' | 'recordDrift' | 'findings'>;
}

/** Decisions count for days: a minute more does not matter. */
const expiryCheckMs = 60_000;

/** What can begin or end that something waits for a person. */
const turns = [
  'application_test.finished',
  'certification.given',
  'approval.given',
  'revocation.given',
  'attestation.given',
  'finding.added',
  'finding.ended',
  'release_policy.published',
  'deployment.live',
] as const;

/**
 * While the platform is up: a version that was revoked while a switch to it was under way is taken out when that has ended, and people are
 * told by events what began to wait for them, and what decisions count no longer. What windows say of drift is handed to releases, whose policies may go by it.
 */
export async function watchReleases({ events, log, release, monitoring }: Watched): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  opened.use(
    await events.subscribe({
      name: 'app.revoked',
      types: [eventType('deployment.live'), eventType('deployment.failed')],
      from: 'now',
      effect: async ({ type, subject }) => {
        // What it tried itself and could not do it is not to try for ever.
        if (type === eventType('deployment.failed') && isTakingOut(await release.getDeployment(subject))) return;
        for (const { environment, outcome, reason } of await release.takeOutRevoked(platform)) {
          if (outcome === 'still_served') log.error({ environment, reason }, 'an environment serves a version that was revoked');
        }
      },
    }),
  );
  opened.use(
    await events.subscribe({
      name: 'app.sign-offs-wanted',
      types: turns.map((kind) => eventType(kind)),
      from: 'now',
      gatherMs: 200,
      effect: () => release.tellWanted(platform),
    }),
  );
  opened.use(
    await events.subscribe({
      name: 'app.drift-of-versions',
      types: [eventType('window.evaluated')],
      from: 'now',
      effect: async ({ subject }) => {
        const seen = seenIn(await monitoring.getWindow(subject));
        if (seen === undefined) return;
        await release.recordDrift(seen);
        await release.tellExpired(platform);
      },
    }),
  );
  const tellExpired = (): void => {
    Promise.all([release.tellExpired(platform), release.findings.tellOverdue(platform)]).catch((error: unknown) =>
      log.error({ error: messageOf(error) }, 'what has expired or is overdue could not be told'),
    );
  };
  tellExpired();
  const checking = setInterval(tellExpired, expiryCheckMs);
  checking.unref();
  opened.defer(() => clearInterval(checking));
  return opened.move();
}

/** What a window says of the version that served it; nothing where it had too few rows to be judged. */
function seenIn({ id, environment, modelVersion, start, end, judged, drift }: Window): Parameters<Release['recordDrift']>[0] | undefined {
  if (!judged || modelVersion === undefined) return undefined;
  const [most] = drift.filter(({ drifted }) => drifted).toSorted((left, right) => right.psi - left.psi);
  const about = { window: id, environment, modelVersion, start, end };
  return most === undefined ? about : { ...about, most: { column: most.column, psi: most.psi } };
}
