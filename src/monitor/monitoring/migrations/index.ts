import type { MigrationSet } from '#store';
import { monitoring } from './0001-monitoring.ts';

export const monitoringMigrations: MigrationSet = { room: 'monitoring', migrations: [monitoring] };
