import type { Alert } from '#contract';
import type { Monitoring } from '#monitoring';
import type { Pipelines } from '#pipelines';
import type { Release } from '#release';
import type { Logger } from '#telemetry';
import { openTriggers, type Triggers, type TriggersDeps } from '#triggers';
import { rollBackOnAlert } from './compose-release.ts';
import type { Loop } from './loop/loop.ts';
import type { ProjectHolder } from './project-holder.ts';

interface ActingRooms extends Pick<TriggersDeps, 'store' | 'events' | 'clock' | 'newId' | 'actor'> {
  readonly project: ProjectHolder;
  readonly monitoring: Monitoring;
  readonly pipelines: Pipelines;
  readonly release: Release;
  readonly loop: Loop;
  readonly log: Logger;
}

/** What alerts lead to, by the project's policy. */
export function openPlatformTriggers({ store, events, clock, newId, actor, ...rooms }: ActingRooms): Promise<Triggers> {
  const { project, monitoring, pipelines, release, loop, log } = rooms;
  return openTriggers({
    store,
    events,
    clock,
    newId,
    actor,
    policy: () => ({ onAlert: project.current().resolved.monitor.onAlert, minRows: project.current().resolved.retrain.minRows }),
    getAlert: (id) => monitoring.getAlert(id),
    labelledRows: ({ environment, endpoint, since }: Alert) => monitoring.labelledRows({ environment, endpoint, since }),
    startRetraining: (alert, action, by) => loop.retrain(alert, action, by),
    getPipelineRun: (id) => pipelines.get(id),
    outcomeOf: (pipelineRun) => loop.outcomeOf(pipelineRun),
    rollBack: rollBackOnAlert(release),
    notify: (alert) => log.warn({ alert: alert.id, kind: alert.kind }, alert.cause),
  });
}
