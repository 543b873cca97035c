import type { MigrationSet } from '#store';
import { runs } from './0001-runs.ts';
import { tracking } from './0002-tracking.ts';
import { artifacts } from './0003-artifacts.ts';
import { loggedModels } from './0004-logged-models.ts';
import { erasedRuns } from './0005-erased-runs.ts';
import { outlines } from './0006-outlines.ts';
import { viewsAndReports } from './0007-views-and-reports.ts';
import { comments } from './0008-comments.ts';

export const trainingMigrations: MigrationSet = {
  room: 'training',
  migrations: [runs, tracking, artifacts, loggedModels, erasedRuns, outlines, viewsAndReports, comments],
};
