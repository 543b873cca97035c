import type { MigrationSet } from '#store';
import { datasets } from './0001-datasets.ts';
import { qualityOutcomes } from './0003-quality-outcomes.ts';
import { imageFiles } from './0006-image-files.ts';
import { lfs } from './0008-lfs.ts';
import { ingestions } from './0009-ingestions.ts';
import { validationSets } from './0012-validation-sets.ts';

export const dataMigrations: MigrationSet = {
  room: 'data',
  migrations: [datasets, qualityOutcomes, imageFiles, lfs, ingestions, validationSets],
};
