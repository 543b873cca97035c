import type { MigrationSet } from '#store';
import { testReports } from './0001-test-reports.ts';

export const evaluationMigrations: MigrationSet = { room: 'evaluation', migrations: [testReports] };
