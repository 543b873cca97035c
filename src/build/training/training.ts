import { eventType } from '#contract';
import { GyreError } from '#core';
import { openArtifactTree } from './artifacts/tree.ts';
import { clonePlan, cloneRun } from './clone-run.ts';
import { openComments } from './comments/comments.ts';
import { execute } from './execute.ts';
import { pageSize, positionOf } from './paging.ts';
import { MetricNames } from './metric-names-store.ts';
import type { Training, TrainingDeps } from './port.ts';
import { openRetention } from './retention/retention.ts';
import { openRunLog } from './run-log.ts';
import { openLoggedModels } from './logged-models/logged-models.ts';
import { openReports } from './shared/reports.ts';
import { openSavedViews } from './shared/views.ts';
import { openTracking } from './tracking/tracking.ts';
import { selectStudies, studyOf } from './studies-store.ts';
import { trainStudy } from './study.ts';
import { readModel } from './trained-model.ts';

/** Opens the room over a migrated store. */
export function openTraining(deps: TrainingDeps): Training {
  const { store } = deps;
  const names = new MetricNames();
  const log = openRunLog(deps, names);
  const { end: _, ...runs } = log;
  const tracking = openTracking(deps, names);
  return {
    ...runs,
    tracking,
    loggedModels: openLoggedModels(deps, names),
    comments: openComments(deps),
    artifacts: openArtifactTree(deps),
    views: openSavedViews(deps),
    reports: openReports(deps),
    retention: openRetention(deps),
    trainStudy: (request) => trainStudy(deps, log, request),
    outlineEnded: () =>
      deps.events.subscribe({
        name: 'training.outlines',
        types: [eventType('run.finished')],
        from: 'now',
        effect: ({ subject }) => tracking.outline(subject),
      }),
    async getStudy(id) {
      const study = await store.read((db) => studyOf(db, id));
      if (study !== undefined) return study;
      const recent = await store.read((db) => selectStudies(db, 3, undefined));
      const known =
        recent.length === 0
          ? 'there is none yet'
          : `the newest are ${recent.map((one) => `${one.study.name} (${one.study.id})`).join(', ')}`;
      throw new GyreError('NOT_FOUND', `no study "${id}"; ${known}`, { study: id });
    },
    listStudies: ({ limit, after } = {}) =>
      store.read(async (db) => {
        const size = pageSize(limit, 50, 1000);
        const rows = await selectStudies(db, size + 1, positionOf(after));
        const items = rows.slice(0, size);
        const last = items.at(-1);
        return {
          items: items.map(({ study }) => study),
          ...(rows.length > size && last !== undefined ? { next: String(last.position) } : {}),
        };
      }),
    readModel: async (run) => readModel(deps, await log.getRun(run)),
    clonePlan: async (run, changes) => clonePlan(await log.getRun(run), changes),
    cloneRun: async (request) => cloneRun(deps, log, await log.getRun(request.run), request),
    execute: async (run, options) => execute(deps, await log.getRun(run), options),
  };
}
