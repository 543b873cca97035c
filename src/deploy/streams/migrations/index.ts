import type { MigrationSet } from '#store';
import { streamPredictions } from './0001-stream-predictions.ts';

export const streamMigrations: MigrationSet = { room: 'streams', migrations: [streamPredictions] };
