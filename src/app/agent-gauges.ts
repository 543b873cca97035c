import { agentStates } from '#contract';
import type { Fleet } from '#fleet';
import { messageOf, steadyMs } from '#core';
import type { Logger, Metrics } from '#telemetry';

/** Agents say something new every ten seconds. */
const freshMs = 5_000;

/** How many agents of each environment are in each state, as gauges for `/metrics`. They are brought up to date behind a scrape, for the next. */
export function gaugeAgents({
  fleet,
  metrics,
  log,
}: {
  readonly fleet: Pick<Fleet, 'agents'>;
  readonly metrics: Metrics;
  readonly log: Logger;
}): { readonly refresh: () => Promise<void> } {
  const gauge = metrics.gauge({
    name: 'gyre_agents',
    help: 'Agents of an environment by their state: in step, behind, refused, silent, never seen.',
    labels: ['environment', 'state'],
  });
  const refresh = async (): Promise<void> => {
    const agents = await fleet.agents();
    for (const environment of new Set(agents.map((agent) => agent.environment)))
      for (const state of agentStates)
        if (state !== 'revoked')
          gauge.set(agents.filter((agent) => agent.environment === environment && agent.state === state).length, { environment, state });
  };
  let asked = Number.NEGATIVE_INFINITY;
  let isBusy = false;
  metrics.onCollect(() => {
    if (isBusy || steadyMs() - asked < freshMs) return;
    [asked, isBusy] = [steadyMs(), true];
    refresh()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'gauges of agents are not up to date'))
      .finally(() => (isBusy = false));
  });
  return { refresh };
}
