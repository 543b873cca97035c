import type { MigrationSet } from '#store';
import { models } from './0001-models.ts';

export const registryMigrations: MigrationSet = { room: 'registry', migrations: [models] };
