import type { MigrationSet } from '#store';
import { versionDrift } from './0001-version-drift.ts';

/** What is known of how far the data of versions have drifted while they served. */
export const releaseDriftMigrations: MigrationSet = { room: 'release-drift', migrations: [versionDrift] };
