import type { MigrationSet } from '#store';
import { batchPredictions } from './0001-batch-predictions.ts';

export const batchMigrations: MigrationSet = { room: 'batch', migrations: [batchPredictions] };
