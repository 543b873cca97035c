import { eventType, type EventTypes, type WorkspaceJob } from '#contract';
import type { Events } from '#events';
import type { Store } from '#store';

/** Writes down that a job on data files begins, or how it ended. */
export function recordWorkspaceJobs({
  store,
  events,
}: {
  readonly store: Store;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
}): (job: WorkspaceJob) => Promise<void> {
  return async ({ id, verb, paths, remote, by, state, results, error }) => {
    await store.write(async (tx) => {
      const common = { subject: id, actor: by.identity };
      if (state === 'running') {
        const data = { id, verb, paths, ...(remote === undefined ? {} : { remote }) };
        events.publish(tx, { ...common, type: eventType('workspace_job.started'), data });
      } else {
        const data = { id, verb, state, results: results.length, ...(error === undefined ? {} : { error }) };
        events.publish(tx, { ...common, type: eventType('workspace_job.finished'), data });
      }
    }, {});
  };
}
