import type { MigrationSet } from '#store';
import { charters } from './0001-charters.ts';

export const projectMigrations: MigrationSet = { room: 'project', migrations: [charters] };
