import type { MigrationSet } from '#store';
import { audit } from './0001-audit.ts';

export const governanceMigrations: MigrationSet = { room: 'governance', migrations: [audit] };
