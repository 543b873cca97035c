import type { MigrationSet } from '#store';
import { modelImages } from './0001-model-images.ts';

export const packagingMigrations: MigrationSet = { room: 'packaging', migrations: [modelImages] };
