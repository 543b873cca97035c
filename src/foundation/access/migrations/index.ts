import type { MigrationSet } from '#store';
import { access } from './0001-access.ts';

export const accessMigrations: MigrationSet = { room: 'access', migrations: [access] };
