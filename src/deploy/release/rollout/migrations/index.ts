import type { MigrationSet } from '#store';
import { rollouts } from './0001-rollouts.ts';

export const rolloutMigrations: MigrationSet = { room: 'release-rollout', migrations: [rollouts] };
