import { messageOf, steadyMs } from '#core';
import type { Release } from '#release';
import type { Logger, Metrics } from '#telemetry';

/** Releases are rare; nobody needs them newer. */
const freshMs = 30_000;

/** DORA's four figures of every environment as gauges for `/metrics`, of the last 90 days. They are brought up to date behind a scrape, for the next. */
export function gaugeDelivery({
  release,
  metrics,
  log,
}: {
  readonly release: Pick<Release, 'delivery' | 'environments'>;
  readonly metrics: Metrics;
  readonly log: Logger;
}): { readonly refresh: () => Promise<void> } {
  const labels = ['environment'];
  const frequency = metrics.gauge({ name: 'gyre_deployments_per_week', help: 'Versions that came to an environment, a week.', labels });
  const lead = metrics.gauge({ name: 'gyre_lead_time_seconds', help: 'Median time from a change of data or code to its release.', labels });
  const failing = metrics.gauge({ name: 'gyre_change_failure_ratio', help: 'Share of the versions that were rolled back.', labels });
  const restore = metrics.gauge({ name: 'gyre_time_to_restore_seconds', help: 'Median time until a version was rolled back.', labels });
  const refresh = async (): Promise<void> => {
    for (const { name: environment } of await release.environments()) {
      const { perWeek, leadTimeMs, changeFailureRate, restoreMs } = await release.delivery({ environment });
      frequency.set(perWeek, { environment });
      // What is not to be measured any more must not look as it did: NaN is no value to Prometheus.
      lead.set(seconds(leadTimeMs), { environment });
      failing.set(changeFailureRate ?? Number.NaN, { environment });
      restore.set(seconds(restoreMs), { environment });
    }
  };
  let asked = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  metrics.onCollect(() => {
    if (isBusy || steadyMs() - asked < freshMs) return;
    [asked, isBusy] = [steadyMs(), true];
    refresh()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'delivery metrics are not up to date'))
      .finally(() => (isBusy = false));
  });
  return { refresh };
}

const seconds = (ms: number | null): number => (ms === null ? Number.NaN : ms / 1000);
