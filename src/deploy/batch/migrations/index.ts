import type { MigrationSet } from '#store';
import { batchPredictions } from './0001-batch-predictions.ts';
import { batchSchedules } from './0002-batch-schedules.ts';

export const batchMigrations: MigrationSet = { room: 'batch', migrations: [batchPredictions, batchSchedules] };
