import type { MigrationSet } from '#store';
import { transforms } from './0001-transforms.ts';
import { imageFeatures } from './0002-image-features.ts';

export const featuresMigrations: MigrationSet = { room: 'features', migrations: [transforms, imageFeatures] };
