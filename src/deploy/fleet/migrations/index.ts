import type { MigrationSet } from '#store';
import { agents } from './0001-agents.ts';

export const fleetMigrations: MigrationSet = { room: 'fleet', migrations: [agents] };
