import type { MigrationSet } from '#store';
import { datasets } from './0001-datasets.ts';

export const dataMigrations: MigrationSet = { room: 'data', migrations: [datasets] };
