import type { MigrationSet } from '#store';
import { imports } from './0001-imports.ts';

export const importsMigrations: MigrationSet = { room: 'imports', migrations: [imports] };
