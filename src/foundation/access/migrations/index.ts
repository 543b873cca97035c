import type { MigrationSet } from '#store';
import { access } from './0001-access.ts';
import { grants } from './0002-grants.ts';
import { teams } from './0003-teams.ts';

export const accessMigrations: MigrationSet = { room: 'access', migrations: [access, grants, teams] };
