import type { MigrationSet } from '#store';
import { releases } from './0001-releases.ts';

export const releaseMigrations: MigrationSet = { room: 'release', migrations: [releases] };
