import type { MigrationSet } from '#store';
import { runs } from './0001-runs.ts';

export const trainingMigrations: MigrationSet = { room: 'training', migrations: [runs] };
