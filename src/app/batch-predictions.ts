import { join } from 'node:path';
import { requireMayLater } from '#api';
import type { Access } from '#access';
import { openBatches, openBatchSchedules } from '#batch';
import type { BatchesDeps, Batches, BatchSchedules, BatchSchedulesDeps } from '#batch';
import type { Data } from '#data';
import type { Release } from '#release';
import type { DataFolder } from './data-folder.ts';
import { predictDeps, predictWorkers } from './predict-table.ts';
import type { ProjectHolder } from './project-holder.ts';
import type { PlatformSettings } from './settings.ts';

/** Batch predictions, and those by the clock, over the rooms that they need. */
export function openBatchPredictions(
  rooms: Pick<BatchesDeps, 'store' | 'events' | 'clock' | 'newId' | 'registry'> &
    Pick<BatchSchedulesDeps, 'log' | 'owner' | 'exclusive' | 'actor'> & {
      readonly access: Access;
      readonly data: Data;
      readonly release: Release;
      readonly project: ProjectHolder;
      readonly folder: DataFolder;
      readonly values: PlatformSettings;
    },
): { readonly batches: Batches; readonly batchSchedules: BatchSchedules } {
  const { release, project, folder, values, access, data } = rooms;
  const projectFolder = (): string => project.current().folder;
  const batches = openBatches({
    ...rooms,
    liveIn: async (environment) => (await release.environments()).find(({ name }) => name === environment)?.live?.modelVersion,
    predict: predictDeps(values, process.env),
    folder: join(folder.path, 'batch'),
    projectFolder,
    workers: predictWorkers(),
  });
  const requireMay = requireMayLater({ access, batches, data, project });
  const batchSchedules = openBatchSchedules({
    ...rooms,
    batches,
    projectFolder,
    project: () => project.current().resolved.project,
    declared: () => project.current().resolved.serve.batch,
    // what stands in gyre.yaml is by whoever may write it
    requireMay: async (by, request) => (by.identity === rooms.actor.identity ? undefined : requireMay(by, request)),
  });
  return { batches, batchSchedules };
}
