import type { MigrationSet } from '#store';
import { testRuns } from './0001-test-runs.ts';

export const releaseTestMigrations: MigrationSet = { room: 'release-tests', migrations: [testRuns] };
