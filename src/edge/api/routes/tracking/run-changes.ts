import { Type } from 'typebox';
import { strict } from '#contract';
import { isoInstant } from '#core';
import { ownRunId, publicRunId } from '#training';
import { route, type Route } from '../../route.ts';
import { ById } from '../../shapes.ts';
import { requireRuns } from './rights.ts';
import { jsonNumber } from './run-table.ts';
import { RunChange, TrackedRunView } from './shapes.ts';

/** A dataset's use says what for in this tag, as MLflow's clients write it. */
const contextTag = 'mlflow.data.context';

/** One run as it was logged from anywhere, and what can be changed of runs afterwards. */
export const runChangeRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/logged',
    permission: 'read',
    tag: 'training',
    summary: 'What was logged to a run: last, least and greatest value of each metric, datasets, lifecycle',
    params: ById,
    answer: TrackedRunView,
    handle: async (rooms, { params, principal }) => {
      const id = ownRunId(params.id);
      await requireRuns(rooms, principal, 'read', [id]);
      const { tracking } = rooms.training;
      const run = await tracking.getRun(id);
      const { name } = await tracking.getExperiment(run.experiment);
      const ranges = new Map((await tracking.ranges(id))?.map(({ key, ...range }) => [key, range]));
      return {
        id,
        publicId: publicRunId(id),
        experiment: { id: run.experiment, name },
        lifecycle: run.lifecycle,
        user: run.user,
        metrics: run.metrics.map(({ key, value, step, timestamp }) => ({
          key,
          value: jsonNumber(value),
          step,
          at: isoInstant(timestamp),
          ...ranges.get(key),
        })),
        datasets: run.datasets.map(({ dataset, tags }) => {
          const context = tags.find((tag) => tag.key === contextTag)?.value;
          return { ...dataset, ...(context === undefined ? {} : { context }) };
        }),
      };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/change',
    permission: 'log',
    tag: 'training',
    summary: 'Tags, names, deletes or restores runs, many at once',
    description: 'Runs are changed one after the other; those before one that fails stay changed.',
    body: RunChange,
    answer: strict({ changed: Type.Integer() }),
    handle: async (rooms, { body: { runs, tags = {}, lifecycle, name }, by, principal }) => {
      const { tracking } = rooms.training;
      await requireRuns(rooms, principal, lifecycle === undefined ? 'update' : 'delete', runs);
      const set = Object.entries(tags).flatMap(([key, value]) => (value === null ? [] : [{ key, value }]));
      const removed = Object.entries(tags).flatMap(([key, value]) => (value === null ? [key] : []));
      for (const id of runs) {
        if (lifecycle === 'active') await tracking.restoreRun({ id, by });
        if (name !== undefined) await tracking.updateRun({ id, name, by });
        if (set.length > 0) await tracking.logBatch(id, { tags: set });
        if (removed.length > 0) {
          const known = new Set((await tracking.getRun(id)).tags.map(({ key }) => key));
          for (const key of removed) if (known.has(key)) await tracking.deleteTag(id, key);
        }
        if (lifecycle === 'deleted') await tracking.deleteRun({ id, by });
      }
      return { changed: runs.length };
    },
  }),
];
