import { isoInstant } from '#core';
import type { RecentProduction } from '#data';
import type { Monitoring } from '#monitoring';
import { createFrame } from '#tables';
import type { ProjectHolder } from './project-holder.ts';

/** The newest predictions that are looked at. */
const mostPredictions = 5000;

/** What the project's endpoint was asked lately, in the environment that versions reach last. */
export function recentProduction(
  project: Pick<ProjectHolder, 'current'>,
  monitoring: () => Pick<Monitoring, 'recentRequests'>,
): RecentProduction {
  return async ({ columns, from }) => {
    const { environments, serve } = project.current().resolved;
    const environment = environments.at(-1)?.name;
    if (environment === undefined) return createFrame([], 0);
    const query = { environment, endpoint: serve.endpoint, from: isoInstant(from), columns, limit: mostPredictions };
    return (await monitoring().recentRequests(query)).frame;
  };
}
