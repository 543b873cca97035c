import type { MigrationSet } from '#store';
import { runs } from './0001-runs.ts';

export const ciMigrations: MigrationSet = { room: 'ci', migrations: [runs] };
