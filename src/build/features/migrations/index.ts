import type { MigrationSet } from '#store';
import { transforms } from './0001-transforms.ts';

export const featuresMigrations: MigrationSet = { room: 'features', migrations: [transforms] };
